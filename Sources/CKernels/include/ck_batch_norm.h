// Batch norm over images [n, count] whose numbers belong to `channels` channels in turn (channels last).
//
// Numbers of a channel lie `channels` apart, so vectors hold several of them: every table of a number a channel is
// repeated to a row of `ck_batch_norm_row` numbers, a whole number of vectors and of pixels. Sums of an image are f32
// over its rows, place by place of a row, then f64 over a channel's places; sums of a batch are f64 over its images in
// order (the caller's). So no bit depends on threads or the instruction set.
#ifndef CK_BATCH_NORM_H
#define CK_BATCH_NORM_H
#include <stddef.h>

/// Numbers of a row for so many channels.
size_t ck_batch_norm_row(size_t channels);

/// row[ck_batch_norm_row] = values[channels], again and again.
void ck_batch_norm_fill(float *row, const double *values, size_t channels);

/// sums[n, 2, channels]: each image's mean, and its sum of squares about that mean.
void ck_batch_norm_moments(double *sums, const float *x, size_t n, size_t count, size_t channels);

/// y = x · scale + shift (+ beside, unless NULL), below 0 made 0 with `relu`; one fused multiply-add. scale and shift are
/// rows. y may be x.
void ck_batch_norm_apply(float *y, const float *x, const float *beside, const float *scale, const float *shift,
                         int relu, size_t n, size_t count, size_t channels);

/// sums[n, 2, channels]: each image's Σ g and Σ g · (x - mean) · scale, for g = dy, or, unless y is NULL, dy where y > 0
/// and else 0; g is written over dy. mean and scale are rows.
void ck_batch_norm_backward_sums(double *sums, float *dy, const float *x, const float *y, const float *mean,
                                 const float *scale, size_t n, size_t count, size_t channels);

/// dx (+)= gain · (g - g_mean - (x - mean) · scale · gx_mean); all but g and x are rows. dx may be g.
void ck_batch_norm_backward(float *dx, const float *g, const float *x, const float *mean, const float *scale,
                            const float *gain, const float *g_mean, const float *gx_mean, int add, size_t n,
                            size_t count, size_t channels);

#endif
