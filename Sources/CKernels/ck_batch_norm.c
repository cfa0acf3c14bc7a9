#include "ck_batch_norm.h"

#include <string.h>

#include "ck_pool.h"
#include "scratch.h"

/// One pass over a batch; what the names do not say is in ck_batch_norm.h.
struct batch_norm {
  double *sums;
  float *y;
  const float *x, *beside;
  const float *mean, *scale, *gain, *g_mean, *gx_mean;  // rows
  size_t count, channels, row;
  int relu, add;
};

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

#define CK_BODY "batch_norm_body.h"
#include "each_isa.h"

size_t ck_batch_norm_row(size_t channels) {
  size_t pixels = 16;  // so many fill whole vectors; fewer where the channels have a factor of 16
  for (size_t common = channels; pixels > 1 && common % 2 == 0; common /= 2) pixels /= 2;
  const size_t least_row = pixels * channels;
  return least_row >= 512 ? least_row : 512 / least_row * least_row;
}

void ck_batch_norm_fill(float *row, const double *values, size_t channels) {
  const size_t count = ck_batch_norm_row(channels);
  for (size_t i = 0; i < count; i++) row[i] = (float)values[i % channels];
}

static void moments_task(void *context, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) CK_CALL(moments, context, i);
}
static void apply_task(void *context, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) CK_CALL(apply, context, i);
}
static void backward_sums_task(void *context, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) CK_CALL(backward_sums, context, i);
}
static void backward_task(void *context, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) CK_CALL(backward, context, i);
}

static void run(struct batch_norm b, size_t n, ck_task task) {
  b.row = ck_batch_norm_row(b.channels);
  ck_parallel_for(n, 16384 / (b.count + 1) + 1, task, &b);
}

void ck_batch_norm_moments(double *sums, const float *x, size_t n, size_t count, size_t channels) {
  run((struct batch_norm){.sums = sums, .x = x, .count = count, .channels = channels}, n, moments_task);
}

void ck_batch_norm_apply(float *y, const float *x, const float *beside, const float *scale, const float *shift,
                         int relu, size_t n, size_t count, size_t channels) {
  run((struct batch_norm){.y = y, .x = x, .beside = beside, .scale = scale, .mean = shift, .relu = relu,
                          .count = count, .channels = channels},
      n, apply_task);
}

void ck_batch_norm_backward_sums(double *sums, float *dy, const float *x, const float *y, const float *mean,
                                 const float *scale, size_t n, size_t count, size_t channels) {
  run((struct batch_norm){.sums = sums, .y = dy, .x = x, .beside = y, .mean = mean, .scale = scale, .count = count,
                          .channels = channels},
      n, backward_sums_task);
}

void ck_batch_norm_backward(float *dx, const float *g, const float *x, const float *mean, const float *scale,
                            const float *gain, const float *g_mean, const float *gx_mean, int add, size_t n,
                            size_t count, size_t channels) {
  run((struct batch_norm){.y = dx, .x = x, .beside = g, .mean = mean, .scale = scale, .gain = gain,
                          .g_mean = g_mean, .gx_mean = gx_mean, .add = add, .count = count, .channels = channels},
      n, backward_task);
}
