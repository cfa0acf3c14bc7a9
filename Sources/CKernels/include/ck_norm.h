// Root-mean-square norm and layer norm of rows.
//
// Sums are f32 in 16 lanes and one tree, as in ck_linear.h; the mean is the sum divided by the width; one square root
// and one division a row. Rows do not depend on one another.
#ifndef CK_NORM_H
#define CK_NORM_H
#include <stddef.h>

/// y[M, D] = x / sqrt(mean(x²) + eps) · (gain[D] + gain_offset). y may be x. Rows lie D floats apart.
void ck_norm_rms(float *y, const float *x, const float *gain, float gain_offset, float eps, size_t M, size_t D);

/// y[M, D] = (x - mean) / sqrt(mean((x - mean)²) + eps) · gain[D] + bias[D]; bias may be NULL. y may be x.
void ck_norm_layer(float *y, const float *x, const float *gain, const float *bias, float eps, size_t M, size_t D);

/// Gradients of ck_norm_rms: with r = 1 / sqrt(mean(x²) + eps) and a = dy · (gain + gain_offset),
/// dx[M, D] = r a - x r³ mean(a x), added to dx when `accumulates`; dgain[D] += Σ over rows of dy x r. dx may be dy.
void ck_norm_rms_backward(float *dx, int accumulates, float *dgain, const float *dy, const float *x, const float *gain,
                          float gain_offset, float eps, size_t M, size_t D);

/// Gradients of ck_norm_layer: with h = (x - mean) r and a = dy · gain, dx[M, D] = r (a - mean(a) - h mean(a h)), added to dx
/// when `accumulates`; dgain[D] += Σ dy h, dbias[D] += Σ dy; dbias may be NULL. dx may be dy.
void ck_norm_layer_backward(float *dx, int accumulates, float *dgain, float *dbias, const float *dy, const float *x,
                            const float *gain, float eps, size_t M, size_t D);

#endif
