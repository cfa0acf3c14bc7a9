// Softmax in f32 and statistics of logits in f64.
//
// The f64 functions sum in 16 lanes and one tree, and use an own f64 exponential (plain products and sums, no fused
// ones), so that all instruction sets agree to the bit.
#ifndef CK_SOFTMAX_H
#define CK_SOFTMAX_H
#include <stddef.h>
#include <stdint.h>

/// y[n] = softmax(x[n]) in f32. y may be x. A row without a finite entry gives NaN.
void ck_softmax(float *y, const float *x, size_t n);

/// log Σ exp(x[n]) in f64, in nats; -infinity for n = 0.
double ck_logsumexp(const float *x, size_t n);

/// Σ p (log p - log q), the divergence KL(p ‖ q) of the distributions with logits p and q [n], in f64, in nats; their
/// log-sum-exps go to `p_lse` and `q_lse` unless NULL.
double ck_divergence(double *p_lse, double *q_lse, const float *p, const float *q, size_t n);

/// -Σ p log p of the distribution with logits x[n], in f64, in nats.
double ck_entropy(const float *x, size_t n);

/// out[M] = logits[m, tokens[m]] - log-sum-exp of row m, in f64, in nats; rows lie `stride` floats apart.
void ck_token_log_probabilities(double *out, const float *logits, size_t stride, const int32_t *tokens, size_t M,
                                size_t V);

/// Cross-entropy of logits x[M, V] against one token a row, and its gradient in place: loss[m] = log-sum-exp - x[m, token] in
/// nats (exponentials f32, their sum f64), x := (softmax(x) - one at the token) · scale. A row with a negative token does
/// not count: loss 0 and zeros. Rows lie V floats apart.
void ck_cross_entropy(double *loss, float *x, const int32_t *tokens, float scale, size_t M, size_t V);

/// Index of the largest entry, the first of equals; a NaN counts as smaller than anything; 0 for n = 0.
size_t ck_argmax(const float *x, size_t n);

#endif
