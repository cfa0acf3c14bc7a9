// Dense products of f32 matrices that lie in memory any way round: what backward passes and training need.
//
// The number contract. Every element of C is one chain: it starts at +0, or at C's old value when accumulating, and takes
// k = 0, 1, ... K - 1 in this order, one fused multiply-add each. The bits do not depend on the tiles, the number of
// threads or the instruction set. (A linear layer of ck_linear.h sums in 16 lanes instead, so the two differ in their
// last bits.)
#ifndef CK_GEMM_H
#define CK_GEMM_H
#include <stddef.h>

/// A matrix whose element (row, column) lies at data[row * row_stride + column * column_stride]; one stride is 1.
typedef struct {
  const float *data;
  size_t row_stride;
  size_t column_stride;
} ck_dense;

/// C[M, N] = A[M, K] · B[K, N], or C += A · B when `accumulates`. Rows of C lie c_stride floats apart; C overlaps neither.
/// Runs on the pool.
void ck_gemm(float *c, size_t c_stride, ck_dense a, ck_dense b, int accumulates, size_t M, size_t N, size_t K);

#endif
