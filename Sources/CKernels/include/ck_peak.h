// The processor's multiply-add rate, as the yardstick of the timings.
#ifndef CK_PEAK_H
#define CK_PEAK_H
#include <stddef.h>

/// Does `rounds` rounds of independent fused multiply-adds in registers; returns the floating-point operations done.
double ck_multiply_add(size_t rounds);

/// The same with products of bf16 pairs, two multiply-adds a lane: VDPBF16PS where the instruction set in use has it.
double ck_bf16_multiply_add(size_t rounds);

#endif
