#include "ck_linear.h"

#include "ck_pool.h"
#include "scratch.h"

/// What every task of one product needs.
struct product {
  float *y;
  const float *x;
  const float *bias;
  const int64_t *selected;
  ck_matrix w;
  size_t y_stride, x_stride, M, N, K;
  size_t first;             // output of W's first stored row and of the first bias
  size_t rows_per_block;    // rows of x that a task takes at a time
  size_t outputs_per_task;  // at most MOST_OUTPUTS
  size_t tasks_per_block;
};

#define MR 4             // rows of a register tile
#define NR 6             // outputs of a register tile
#define FEW_COLUMNS 4    // the same for transposed storage
#define MOST_OUTPUTS 96  // of one task: whole panels and whole vectors
#define PANEL_K 768      // longest stretch of K of a packed panel: it and a tile's rows stay in the first cache
#define X_BYTES 786432   // of x that should stay in the second cache

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t multiple(size_t n, size_t of) { return (n + of - 1) / of * of; }
static inline size_t output_of(const struct product *p, size_t n) {
  return p->selected ? (size_t)p->selected[n] : n;
}

#define CK_BODY "linear_body.h"
#include "each_isa.h"

/// Up to so many rows weights are used as they lie, beyond they are packed: with half the registers and lanes, packing
/// pays sooner. Which way a product goes changes no bit of it.
static inline size_t few_rows(void) { return ck_isa() == CK_ISA_V4 ? 40 : 14; }

static void packed_task(void *context, size_t begin, size_t end) {
  for (size_t t = begin; t < end; t++) CK_CALL(linear_packed, context, t);
}

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
  if (M <= (w.transposed ? FEW_COLUMNS : few_rows())) {
    // One task takes whole groups of outputs and at least about 32 thousand multiply-adds.
    const size_t work = 32768 / (K * M + 1) + 1;
    ck_task task = !w.transposed ? direct_task : selected ? scattered_task : columns_task;
    ck_parallel_for(N, multiple(work, task == columns_task ? 128 : 16), task, &p);
    return;
  }
  p.rows_per_block = least(multiple(M, MR), multiple(X_BYTES / 4 / (K + 1) + 1, 8 * MR));
  const size_t blocks = w.transposed ? 1 : (M + p.rows_per_block - 1) / p.rows_per_block;
  // At least 8 tasks where the work allows it.
  p.outputs_per_task = least(MOST_OUTPUTS, multiple((N * blocks + 7) / 8, 48));
  p.tasks_per_block = (N + p.outputs_per_task - 1) / p.outputs_per_task;
  const size_t small = 65536 / (p.rows_per_block * p.outputs_per_task * (K + 1) + 1) + 1;
  ck_parallel_for(blocks * p.tasks_per_block, small, packed_task, &p);
}
