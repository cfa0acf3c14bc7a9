#include "ck_norm.h"

#include <math.h>

#include "ck_pool.h"

struct norm {
  float *y;
  const float *x, *gain, *bias;
  float offset, eps;
  size_t D;
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
