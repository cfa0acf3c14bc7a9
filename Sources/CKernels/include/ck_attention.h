// Scaled dot-product attention of one text, with grouped-query heads.
//
// Numbers: a score is a product of ck_linear.h's kind over the head's width, times the scale, capped, plus its biases. A query's weights are
// exp(score - its largest score), their sum is taken in 16 lanes counted from the query's first visible key and one
// tree; the output is a chain of fused multiply-adds over the visible keys in order, times 1 / sum. All of this
// concerns one query and its visible keys only: the bits do not depend on the queries computed together, on the keys
// that come after, on padding, threads or instruction set, so a step with cached keys repeats the full forward pass.
#ifndef CK_ATTENTION_H
#define CK_ATTENTION_H
#include <stddef.h>

typedef struct {
  float scale;          ///< factor of the scores
  float softcap;        ///< c > 0: score := c · tanh(score / c)
  const float *slopes;  ///< [H], ALiBi: slope · (key position - query position) is added; NULL: none
  size_t window;        ///< > 0: a query sees only the last `window` keys up to its own position
  int causal;           ///< 0: every query sees every key (the window is then not used)
  const float *key_bias;  ///< [H, Tk], added to the scores of a key whatever the query, after the slopes; NULL: none
  size_t key_bias_stride;  ///< floats from one head's biases to the next
} ck_attention_options;

/// out[Tq, H·hd] from q[Tq, H·hd], k[Tk, KV·hd], v[Tk, KV·hd]; rows lie their strides apart, in floats.
/// Query t stands at position Tk - Tq + t; head h reads key-value head h / (H / KV). Tq <= Tk, KV divides H.
void ck_attention(float *out, size_t out_stride, const float *q, size_t q_stride, const float *k, size_t k_stride,
                  const float *v, size_t v_stride, ck_attention_options options, size_t Tq, size_t Tk, size_t H,
                  size_t KV, size_t hd);

/// Gradients of ck_attention where every query has its key (Tq = Tk = T): dq[T, H·hd], dk and dv[T, KV·hd] from dout[T, H·hd] and
/// the inputs; all rows of a name as far apart as those of its input (dout: out_stride). The weights are computed anew, 64
/// queries at a time. Caps, slopes and biases of keys are not differentiated: softcap 0, slopes and key_bias NULL.
/// Nothing may overlap. Runs on the pool, a task a key-value head.
void ck_attention_backward(float *dq, float *dk, float *dv, const float *dout, size_t out_stride, const float *q,
                           size_t q_stride, const float *k, size_t k_stride, const float *v, size_t v_stride,
                           ck_attention_options options, size_t T, size_t H, size_t KV, size_t hd);

#endif
