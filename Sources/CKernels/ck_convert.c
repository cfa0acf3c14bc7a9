#include "ck_convert.h"

#define CK_BODY "convert_body.h"
#include "each_isa.h"

void ck_convert_f32_bf16(float *to, const uint16_t *from, size_t n) { CK_CALL(f32_bf16, to, from, n); }
void ck_convert_f32_f16(float *to, const uint16_t *from, size_t n) { CK_CALL(f32_f16, to, from, n); }
void ck_convert_bf16_f32(uint16_t *to, const float *from, size_t n) { CK_CALL(bf16_f32, to, from, n); }
void ck_convert_f16_f32(uint16_t *to, const float *from, size_t n) { CK_CALL(f16_f32, to, from, n); }
