#include "ck_norm.h"

#include <math.h>

#include <string.h>

#include "ck_pool.h"
#include "scratch.h"

struct norm {
  float *y;
  const float *x, *gain, *bias;
  float offset, eps;
  size_t D;
};

struct norm_back {
  float *dx, *sums;  // sums: [blocks][2][D]
  const float *dy, *x, *gain;
  float offset, eps;
  int accumulates, is_layer, has_bias;
  size_t M, D, rows_per_block;
};

#define CK_BODY "norm_body.h"
#include "each_isa.h"

static void rms_task(void *context, size_t begin, size_t end) { CK_CALL(norm_rms, context, begin, end); }
static void layer_task(void *context, size_t begin, size_t end) { CK_CALL(norm_layer, context, begin, end); }

void ck_norm_rms(float *y, const float *x, const float *gain, float gain_offset, float eps, size_t M, size_t D) {
  struct norm n = {y, x, gain, NULL, gain_offset, eps, D};
  if (D > 0) ck_parallel_for(M, 16384 / D + 1, rms_task, &n);
}

void ck_norm_layer(float *y, const float *x, const float *gain, const float *bias, float eps, size_t M, size_t D) {
  struct norm n = {y, x, gain, bias, 0, eps, D};
  if (D > 0) ck_parallel_for(M, 16384 / D + 1, layer_task, &n);
}

static void back_task(void *context, size_t begin, size_t end) {
  const struct norm_back *n = context;
  for (size_t b = begin; b < end; b++) {
    const size_t first = b * n->rows_per_block, last = first + n->rows_per_block;
    float *gain = n->sums + 2 * b * n->D, *bias = n->has_bias ? gain + n->D : NULL;
    memset(gain, 0, 2 * n->D * sizeof(float));
    CK_CALL(norm_back, n, gain, bias, first, last < n->M ? last : n->M);
  }
}

/// Rows in at most 64 blocks, whatever the threads; the blocks' sums are added in their order.
static void back(struct norm_back *n, float *dgain, float *dbias) {
  if (n->D == 0 || n->M == 0) return;
  n->rows_per_block = (n->M + 63) / 64;
  const size_t blocks = (n->M + n->rows_per_block - 1) / n->rows_per_block;
  n->sums = ck_scratch(CK_SCRATCH_ROWS, 2 * blocks * n->D * sizeof(float));
  ck_parallel_for(blocks, 16384 / (n->rows_per_block * n->D + 1) + 1, back_task, n);
  for (size_t b = 0; b < blocks; b++) {
    const float *gain = n->sums + 2 * b * n->D;
    for (size_t d = 0; d < n->D; d++) dgain[d] += gain[d];
    if (dbias)
      for (size_t d = 0; d < n->D; d++) dbias[d] += gain[n->D + d];
  }
}

void ck_norm_rms_backward(float *dx, int accumulates, float *dgain, const float *dy, const float *x, const float *gain,
                          float gain_offset, float eps, size_t M, size_t D) {
  struct norm_back n = {.dx = dx, .dy = dy, .x = x, .gain = gain, .offset = gain_offset, .eps = eps,
                        .accumulates = accumulates, .M = M, .D = D};
  back(&n, dgain, NULL);
}

void ck_norm_layer_backward(float *dx, int accumulates, float *dgain, float *dbias, const float *dy, const float *x,
                            const float *gain, float eps, size_t M, size_t D) {
  struct norm_back n = {.dx = dx, .dy = dy, .x = x, .gain = gain, .eps = eps, .accumulates = accumulates,
                        .is_layer = 1, .has_bias = dbias != NULL, .M = M, .D = D};
  back(&n, dgain, dbias);
}
