// Linear layers: y[M, N] = x[M, K] · W[N, K]ᵀ + b[N], with W read in place as f32, f16 or bf16.
//
// The number contract. Every output is computed alone, in one way: K is padded with zeros to a multiple of 16; lane j
// (0...15) takes k = j, j+16, j+32, ... in this order, one fused multiply-add each, starting at +0; then
// lane j += lane j+8, += lane j+4, += lane j+2, += lane j+1; then the bias is added. No kernel splits K otherwise, so
// the bits do not depend on the rows computed together, the number of threads, the instruction set or the storage
// of W (a 16-bit weight counts as the f32 of the same value).
#ifndef CK_LINEAR_H
#define CK_LINEAR_H
#include <stddef.h>
#include <stdint.h>

enum { CK_F32 = 0, CK_F16 = 1, CK_BF16 = 2 };

/// W as it lies in memory. Element (n, k) is at `data + n * stride + k`, or, when `transposed`, at
/// `data + k * stride + n`; strides in elements.
typedef struct {
  const void *data;
  size_t stride;
  int type;        ///< CK_F32, CK_F16, CK_BF16
  int transposed;  ///< stored [K, N], as GPT-2's Conv1D
} ck_matrix;

/// y[M, N] = x[M, K] · Wᵀ + b. `bias` may be NULL. Rows of y and x start `y_stride` and `x_stride` floats apart.
/// With `selected` (may be NULL) only N chosen outputs: column i of y is output selected[i] of W and of the bias.
/// y must not overlap the other arrays.
void ck_linear(float *y, size_t y_stride, const float *x, size_t x_stride, ck_matrix w, const float *bias,
               const int64_t *selected, size_t M, size_t N, size_t K);

#endif
