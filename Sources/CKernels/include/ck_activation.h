// Element-wise activations, their gated products, and small vector operations.
//
// exp, tanh and erf are own polynomials with a fixed order of operations: all instruction sets give the same bits.
#ifndef CK_ACTIVATION_H
#define CK_ACTIVATION_H
#include <stddef.h>

enum {
  CK_SILU = 0,        ///< x / (1 + e^-x)
  CK_GELU = 1,        ///< x Φ(x), with the error function
  CK_GELU_TANH = 2,   ///< its approximation by tanh
  CK_RELU = 3,        ///< max(x, 0); NaN stays
  CK_QUICK_GELU = 4,  ///< x / (1 + e^(-1.702 x))
  CK_TANH = 5,
  CK_EXP = 6,
};

/// y[n] = f(x[n]). y may be x. Runs on the pool when n is large.
void ck_activate(float *y, const float *x, int function, size_t n);

/// y[M, F] = f(gate[M, F]) · up[M, F], each with its own distance between rows in floats. y may be gate or up.
void ck_activate_gated(float *y, size_t y_stride, const float *gate, size_t gate_stride, const float *up,
                       size_t up_stride, int function, size_t M, size_t F);

/// dx[n] = dy[n] · f'(x[n]); at 0 the slope of ReLU is 0. dx may be dy. Not CK_EXP.
void ck_activate_backward(float *dx, const float *dy, const float *x, int function, size_t n);

/// Of y = f(gate) · up: dgate[n] = dy · up · f'(gate), dup[n] = dy · f(gate). dup may be dy.
void ck_activate_gated_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up,
                                int function, size_t n);

/// y[n] = y[n] + x[n].
void ck_add(float *y, const float *x, size_t n);

/// y[n] = fma(a, x[n], y[n]).
void ck_axpy(float *y, float a, const float *x, size_t n);

/// y[M, N] = fma(a[M], b[N], y[M, N]): adds a rank-one matrix; rows of y lie `y_stride` floats apart.
void ck_add_outer(float *y, size_t y_stride, const float *a, const float *b, size_t M, size_t N);

#endif
