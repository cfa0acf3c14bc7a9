#include "ck_rows.h"

#include "ck_pool.h"

struct row_statistics {
  double *dots, *squares, *stored_squares;
  ck_matrix w;
  const float *gain;
  const double *direction;
  size_t K;
};

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

#define CK_BODY "rows_body.h"
#include "each_isa.h"

static void rows_task(void *context, size_t begin, size_t end) {
  const struct row_statistics *s = context;
  if (s->w.transposed)
    CK_CALL(dot_columns, context, begin, end);
  else
    CK_CALL(dot_rows, context, begin, end);
}

static void dot_rows(const struct row_statistics *s, size_t N) {
  const size_t grain = 16384 / (s->K + 1) + 1;
  ck_parallel_for(N, (grain + 15) / 16 * 16, rows_task, (void *)s);
}

void ck_dot_rows(double *dots, double *squares, ck_matrix w, const double *direction, size_t N, size_t K) {
  const struct row_statistics s = {dots, squares, NULL, w, NULL, direction, K};
  dot_rows(&s, N);
}

void ck_dot_rows_gained(double *dots, double *squares, double *stored_squares, ck_matrix w, const float *gain,
                        const double *direction, size_t N, size_t K) {
  const struct row_statistics s = {dots, squares, stored_squares, w, gain, direction, K};
  dot_rows(&s, N);
}

double ck_squared_error(double *a_square, double *b_square, const float *a, const float *b, size_t n) {
  double sums[3];
  CK_CALL(squared_error, sums, a, b, n);
  if (a_square) *a_square = sums[1];
  if (b_square) *b_square = sums[2];
  return sums[0];
}
