#include "linear_product.h"

#define CK_BODY "linear_body.h"
#include "each_isa.h"

static void direct_task(void *context, size_t begin, size_t end) {
  CK_CALL(linear_direct, context, begin, end);
}

static void scattered_task(void *context, size_t begin, size_t end) {
  CK_CALL(linear_scattered, context, begin, end);
}

static void columns_task(void *context, size_t begin, size_t end) {
  CK_CALL(linear_columns, context, begin, end);
}

void ck_linear(float *y, size_t y_stride, const float *x, size_t x_stride, ck_matrix w, const float *bias,
               const int64_t *selected, size_t M, size_t N, size_t K) {
  if (M == 0 || N == 0) return;
  struct product p = {.y = y, .x = x, .bias = bias, .selected = selected, .w = w, .y_stride = y_stride,
                      .x_stride = x_stride, .M = M, .N = N, .K = K};
  if (M <= (w.transposed ? FEW_COLUMNS : few_rows(ck_isa()))) {
    // One task takes whole groups of outputs and at least about 32 thousand multiply-adds.
    const size_t work = 32768 / (K * M + 1) + 1;
    ck_task task = !w.transposed ? direct_task : selected ? scattered_task : columns_task;
    ck_parallel_for(N, multiple(work, task == columns_task ? 128 : 16), task, &p);
    return;
  }
  (K <= MOST_TILED ? ck_linear_tiled : ck_linear_packed)(&p);
}
