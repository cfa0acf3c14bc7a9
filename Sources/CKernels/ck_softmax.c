#include "ck_softmax.h"

#include <math.h>

#include "ck_pool.h"

#define CK_BODY "softmax_body.h"
#include "each_isa.h"

void ck_softmax(float *y, const float *x, size_t n) { CK_CALL(softmax, y, x, n); }

double ck_logsumexp(const float *x, size_t n) {
  if (n == 0) return -INFINITY;
  const float most = CK_CALL(greatest, x, n);
  if (most == -INFINITY || most == INFINITY) return most;
  return (double)most + log(CK_CALL(exp_sum, x, most, n));
}

double ck_divergence(double *p_lse, double *q_lse, const float *p, const float *q, size_t n) {
  const double lp = ck_logsumexp(p, n), lq = ck_logsumexp(q, n);
  if (p_lse) *p_lse = lp;
  if (q_lse) *q_lse = lq;
  return n == 0 ? 0 : CK_CALL(divergence, p, q, lp, lq, n);
}

double ck_entropy(const float *x, size_t n) {
  return n == 0 ? 0 : CK_CALL(entropy, x, ck_logsumexp(x, n), n);
}

size_t ck_argmax(const float *x, size_t n) {
  size_t best = 0;
  float most = -INFINITY;
  int any = 0;
  for (size_t i = 0; i < n; i++)
    if (x[i] > most || (!any && x[i] == x[i])) best = i, most = x[i], any = 1;
  return best;
}

struct tokens {
  double *out;
  const float *logits;
  const int32_t *tokens;
  size_t stride, V;
};

static void tokens_task(void *context, size_t begin, size_t end) {
  const struct tokens *t = context;
  for (size_t m = begin; m < end; m++) {
    const float *row = t->logits + m * t->stride;
    t->out[m] = (double)row[t->tokens[m]] - ck_logsumexp(row, t->V);
  }
}

void ck_token_log_probabilities(double *out, const float *logits, size_t stride, const int32_t *tokens, size_t M,
                                size_t V) {
  struct tokens t = {out, logits, tokens, stride, V};
  ck_parallel_for(M, 8192 / (V + 1) + 1, tokens_task, &t);
}

struct entropies {
  double *loss;
  float *x;
  const int32_t *tokens;
  float scale;
  size_t V;
};

static void entropies_task(void *context, size_t begin, size_t end) {
  const struct entropies *e = context;
  for (size_t m = begin; m < end; m++) {
    float *row = e->x + m * e->V;
    e->loss[m] = 0;
    if (e->tokens[m] < 0)
      memset(row, 0, e->V * sizeof(float));
    else
      e->loss[m] = CK_CALL(cross_entropy, row, (size_t)e->tokens[m], e->scale, e->V);
  }
}

void ck_cross_entropy(double *loss, float *x, const int32_t *tokens, float scale, size_t M, size_t V) {
  struct entropies e = {loss, x, tokens, scale, V};
  ck_parallel_for(M, 8192 / (V + 1) + 1, entropies_task, &e);
}
