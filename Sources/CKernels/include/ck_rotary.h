// Rotary position embedding (arXiv 2104.09864) of query and key heads, in place.
#ifndef CK_ROTARY_H
#define CK_ROTARY_H
#include <stddef.h>
#include <stdint.h>

/// Rotates pairs of the first `width` numbers of every head: row t of x has H heads of `head_size` floats at
/// x + t * x_stride. `cosine` and `sine` are tables [positions, width / 2]; row t uses their row positions[t].
/// Pairs are (i, i + width/2), or (2i, 2i + 1) when `interleaved`. width is even.
/// `inverse` turns the other way, which is what a backward pass needs.
/// a' = a cos - b sin, b' = b cos + a sin; two roundings a product pair (fma(a, cos, -(b sin))).
void ck_rotate(float *x, size_t x_stride, const int32_t *positions, const float *cosine, const float *sine,
               int interleaved, int inverse, size_t T, size_t H, size_t head_size, size_t width);

/// Cosine and sine tables [positions, half]: the angle is the f32 product of the position and the f32 of the inverse
/// frequency, its cosine and sine are taken in f64, multiplied by `factor` and rounded to f32.
void ck_rotary_table(float *cosine, float *sine, const double *inverse_frequencies, double factor, size_t positions,
                     size_t half);

#endif
