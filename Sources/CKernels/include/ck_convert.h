// Conversions between f32 and the 16-bit floats: nearest even; infinities and NaN kept (a NaN comes out quiet).
#ifndef CK_CONVERT_H
#define CK_CONVERT_H
#include <stddef.h>
#include <stdint.h>

/// to[n] = from[n]. Exact.
void ck_convert_f32_bf16(float *to, const uint16_t *from, size_t n);
/// to[n] = from[n]. Exact.
void ck_convert_f32_f16(float *to, const uint16_t *from, size_t n);
/// to[n] = from[n] rounded.
void ck_convert_bf16_f32(uint16_t *to, const float *from, size_t n);
/// to[n] = from[n] rounded; beyond 65504 infinity.
void ck_convert_f16_f32(uint16_t *to, const float *from, size_t n);

#endif
