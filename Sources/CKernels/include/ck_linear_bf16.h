// Linear layers with products of bf16: y[M, N] = bf16(x[M, K]) · W[N, K]ᵀ + b[N], with W read in place as bf16.
//
// The number contract of this mode. x is rounded once to bf16 (nearest even; a NaN stays one). Every output is computed
// alone, in one way: K is padded with zeros to a multiple of 32; lane j (0...15) takes the pairs (2j, 2j+1), (2j+32,
// 2j+33), ... in this order, of each pair the odd member and then the even one, one multiply-add each, starting at +0;
// then lane j += lane j+8, += lane j+4, += lane j+2, += lane j+1; then the bias is added. Products of two bf16 are exact
// in f32, sums are rounded to f32.
//
// The bits do not depend on the rows computed together, the number of threads or the storage of W, on one instruction
// set. With AVX512_BF16 the multiply-adds are the processor's VDPBF16PS, which takes subnormal numbers, also sums, as
// zero; all other instruction sets agree in every bit.
#ifndef CK_LINEAR_BF16_H
#define CK_LINEAR_BF16_H
#include "ck_linear.h"

/// y[M, N] = bf16(x[M, K]) · Wᵀ + b; W's type must be CK_BF16. The arguments are those of `ck_linear`.
void ck_linear_bf16(float *y, size_t y_stride, const float *x, size_t x_stride, ck_matrix w, const float *bias,
                    const int64_t *selected, size_t M, size_t N, size_t K);

#endif
