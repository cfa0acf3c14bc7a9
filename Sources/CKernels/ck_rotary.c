#include "ck_rotary.h"

#include <math.h>

#include "ck_pool.h"

struct rotation {
  float *x;
  size_t x_stride;
  const int32_t *positions;
  const float *cosine, *sine;
  int interleaved, inverse;
  size_t H, head_size, width;
};

#define CK_BODY "rotary_body.h"
#include "each_isa.h"

static void rotate_task(void *context, size_t begin, size_t end) { CK_CALL(rotate, context, begin, end); }

void ck_rotate(float *x, size_t x_stride, const int32_t *positions, const float *cosine, const float *sine,
               int interleaved, int inverse, size_t T, size_t H, size_t head_size, size_t width) {
  struct rotation r = {x, x_stride, positions, cosine, sine, interleaved, inverse, H, head_size, width};
  ck_parallel_for(T, 8192 / (H * head_size + 1) + 1, rotate_task, &r);
}

struct table {
  float *cosine, *sine;
  const double *frequencies;
  double factor;
  size_t half;
};

static void table_task(void *context, size_t begin, size_t end) {
  const struct table *t = context;
  for (size_t p = begin; p < end; p++)
    for (size_t i = 0; i < t->half; i++) {
      const double angle = (double)((float)p * (float)t->frequencies[i]);
      t->cosine[p * t->half + i] = (float)(cos(angle) * t->factor);
      t->sine[p * t->half + i] = (float)(sin(angle) * t->factor);
    }
}

void ck_rotary_table(float *cosine, float *sine, const double *inverse_frequencies, double factor, size_t positions,
                     size_t half) {
  struct table t = {cosine, sine, inverse_frequencies, factor, half};
  ck_parallel_for(positions, 512 / (half + 1) + 1, table_task, &t);
}
