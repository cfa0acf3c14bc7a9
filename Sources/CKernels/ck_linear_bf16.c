#include "ck_linear_bf16.h"

#include "linear_product.h"

/// The rounding of some rows of x.
struct rounding {
  float *to;
  const float *x;
  size_t to_stride, x_stride, K;
  int isa;
};

/// A product of rounded rows and how it is cut. Rows are laid out for one instruction set.
struct bf16_product {
  struct product of;
  size_t first;             // output of W's first stored row and of the first bias
  size_t rows_per_block;    // rows of x that a task takes at a time
  size_t outputs_per_task;  // at most MOST_OUTPUTS
  size_t tasks_per_block;
  int isa;
};

#define MR 4             // rows of a register tile
#define NR 6             // outputs of a register tile
#define MOST_OUTPUTS 96  // of one task: whole panels and whole vectors
#define PANEL_STEPS 48   // of 16 lanes, longest packed panel: it and a tile's rows stay in the first cache
#define X_BYTES 786432   // of x that should stay in the second cache

/// Cuts a product with packed panels: blocks of rows whose x (`row_bytes` a row) stays in the second cache, and groups
/// of outputs, at least 8 tasks where the work allows it.
/// - Returns: the number of tasks.
static size_t cut_product(struct bf16_product *p, size_t row_bytes) {
  const struct product *of = &p->of;
  p->rows_per_block = least(multiple(of->M, MR), multiple(X_BYTES / (row_bytes + 4) + 1, 8 * MR));
  const size_t blocks = of->w.transposed ? 1 : (of->M + p->rows_per_block - 1) / p->rows_per_block;
  p->outputs_per_task = least(MOST_OUTPUTS, multiple((of->N * blocks + 7) / 8, 48));
  p->tasks_per_block = (of->N + p->outputs_per_task - 1) / p->outputs_per_task;
  return blocks * p->tasks_per_block;
}

#define CK_WITH_BF16
#define CK_BODY "linear_bf16_body.h"
#include "each_isa.h"

static void round_task(void *context, size_t begin, size_t end) {
  struct rounding *p = context;
  CK_CALL_IN(p->isa, round_rows, p, begin, end);
}

static void packed_task(void *context, size_t begin, size_t end) {
  const struct bf16_product *p = context;
  for (size_t t = begin; t < end; t++) CK_CALL_IN(p->isa, bf16_packed, p, t);
}

static void direct_task(void *context, size_t begin, size_t end) {
  const struct bf16_product *p = context;
  CK_CALL_IN(p->isa, bf16_direct, p, begin, end);
}

static void columns_task(void *context, size_t begin, size_t end) {
  const struct bf16_product *p = context;
  CK_CALL_IN(p->isa, bf16_columns, p, begin, end);
}

void ck_linear_bf16(float *y, size_t y_stride, const float *x, size_t x_stride, ck_matrix w, const float *bias,
                    const int64_t *selected, size_t M, size_t N, size_t K) {
  if (M == 0 || N == 0) return;
  // Rounded rows are whole cache lines, an odd number of them, so that rows do not share places in the caches.
  const int isa = ck_isa();
  const size_t lines = CK_CALL_IN(isa, bf16_steps, K) | 1;
  struct rounding rounding = {.to = ck_scratch(CK_SCRATCH_INPUTS, M * lines * 64), .x = x, .to_stride = lines * 16,
                              .x_stride = x_stride, .K = K, .isa = isa};
  ck_parallel_for(M, 65536 / (K + 1) + 1, round_task, &rounding);
  struct bf16_product p = {
      .of = {.y = y, .x = rounding.to, .bias = bias, .selected = selected, .w = w, .y_stride = y_stride,
             .x_stride = rounding.to_stride, .M = M, .N = N, .K = K},
      .isa = isa};
  if (!w.transposed && M <= few_rows(isa)) {
    // One task takes whole groups of outputs and at least about 32 thousand multiply-adds.
    ck_parallel_for(N, multiple(32768 / (K * M + 1) + 1, 16), direct_task, &p);
  } else if (w.transposed && M <= FEW_COLUMNS && !selected) {
    ck_parallel_for(N, multiple(32768 / (K * M + 1) + 1, 128), columns_task, &p);
  } else {
    const size_t tasks = cut_product(&p, lines * 64);
    const size_t small = 65536 / (p.rows_per_block * p.outputs_per_task * (K + 1) + 1) + 1;
    ck_parallel_for(tasks, small, packed_task, &p);
  }
}
