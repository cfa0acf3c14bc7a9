#include "ck_peak.h"

static volatile float sink;

#define CK_WITH_BF16
#define CK_BODY "peak_body.h"
#include "each_isa.h"

double ck_multiply_add(size_t rounds) { return CK_CALL(multiply_add, rounds); }

double ck_bf16_multiply_add(size_t rounds) { return CK_CALL(bf16_multiply_add, rounds); }
