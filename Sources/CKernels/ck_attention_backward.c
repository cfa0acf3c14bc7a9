#include <math.h>
#include <string.h>

#include "ck_attention.h"
#include "ck_gemm.h"
#include "ck_pool.h"
#include "scratch.h"

struct gradients {
  float *dq, *dk, *dv;
  const float *dout, *q, *k, *v;
  size_t out_stride, q_stride, k_stride, v_stride;
  ck_attention_options o;
  size_t T, H, KV, hd;
};

#define QUERIES 64  // of one block: its weights stay in the second cache

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

#define CK_BODY "attention_back_body.h"
#include "each_isa.h"

/// The keys that a query sees, first ..< last.
static inline void visible(const struct gradients *a, size_t query, size_t *first, size_t *last) {
  *first = 0, *last = a->T;
  if (!a->o.causal) return;
  *last = query + 1;
  if (a->o.window > 0 && *last > a->o.window) *first = *last - a->o.window;
}

static ck_dense rows_of(const float *data, size_t stride) { return (ck_dense){data, stride, 1}; }
static ck_dense turned(const float *data, size_t stride) { return (ck_dense){data, 1, stride}; }

/// Some queries of one head: dq of theirs is written, dk and dv of their keys are added to.
static void block(const struct gradients *a, size_t head, size_t q0, size_t q1) {
  const size_t group = a->H / a->KV, hd = a->hd, queries = q1 - q0;
  size_t first, last, none;
  visible(a, q0, &first, &none);
  visible(a, q1 - 1, &none, &last);
  const size_t keys = last - first, stride = (keys + 15) / 16 * 16;
  float *weights = ck_scratch(CK_SCRATCH_WEIGHTS, 2 * queries * stride * sizeof(float));
  float *slopes = weights + queries * stride;
  const float *q = a->q + q0 * a->q_stride + head * hd, *dout = a->dout + q0 * a->out_stride + head * hd;
  const size_t shared = head / group * hd;
  const float *k = a->k + first * a->k_stride + shared, *v = a->v + first * a->v_stride + shared;
  ck_gemm(weights, stride, rows_of(q, a->q_stride), turned(k, a->k_stride), 0, queries, keys, hd);
  ck_gemm(slopes, stride, rows_of(dout, a->out_stride), turned(v, a->v_stride), 0, queries, keys, hd);
  for (size_t i = 0; i < queries; i++) {
    size_t from, to;
    visible(a, q0 + i, &from, &to);
    float *w = weights + i * stride, *g = slopes + i * stride;
    from -= first, to -= first;
    CK_CALL(attention_row, w + from, g + from, a->o.scale, to - from);
    memset(w, 0, from * sizeof(float)), memset(w + to, 0, (keys - to) * sizeof(float));
    memset(g, 0, from * sizeof(float)), memset(g + to, 0, (keys - to) * sizeof(float));
  }
  ck_gemm(a->dv + first * a->v_stride + shared, a->v_stride, turned(weights, stride), rows_of(dout, a->out_stride), 1,
          keys, hd, queries);
  ck_gemm(a->dk + first * a->k_stride + shared, a->k_stride, turned(slopes, stride), rows_of(q, a->q_stride), 1, keys,
          hd, queries);
  ck_gemm(a->dq + q0 * a->q_stride + head * hd, a->q_stride, rows_of(slopes, stride), rows_of(k, a->k_stride), 0,
          queries, hd, keys);
}

static void heads_task(void *context, size_t begin, size_t end) {
  const struct gradients *a = context;
  const size_t group = a->H / a->KV;
  for (size_t shared = begin; shared < end; shared++) {
    for (size_t t = 0; t < a->T; t++) {
      memset(a->dk + t * a->k_stride + shared * a->hd, 0, a->hd * sizeof(float));
      memset(a->dv + t * a->v_stride + shared * a->hd, 0, a->hd * sizeof(float));
    }
    for (size_t head = shared * group; head < (shared + 1) * group; head++)
      for (size_t q = 0; q < a->T; q += QUERIES) block(a, head, q, least(a->T, q + QUERIES));
  }
}

void ck_attention_backward(float *dq, float *dk, float *dv, const float *dout, size_t out_stride, const float *q,
                           size_t q_stride, const float *k, size_t k_stride, const float *v, size_t v_stride,
                           ck_attention_options options, size_t T, size_t H, size_t KV, size_t hd) {
  struct gradients a = {dq,       dk,       dv,       dout,    q, k, v,  out_stride, q_stride,
                        k_stride, v_stride, options, T, H, KV, hd};
  ck_parallel_for(KV, 16384 / (H / KV * T * T * hd + 1) + 1, heads_task, &a);
}
