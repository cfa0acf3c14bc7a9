// The instruction sets every kernel is built for, and which of them is in use.
//
// Every kernel gives the same bits on all of them: choosing one changes only the speed. The one exception is
// `ck_linear_bf16`, whose hardware version on CK_ISA_V4_BF16 takes subnormal numbers as zero.
#ifndef CK_ISA_H
#define CK_ISA_H

enum {
  CK_ISA_BASE = 1,  ///< what every processor of the architecture has (SSE2 on x86-64, NEON on aarch64)
  CK_ISA_V3 = 3,    ///< x86-64-v3: AVX2, FMA, F16C
  CK_ISA_V4 = 4,    ///< x86-64-v4: AVX-512 F, BW, CD, DQ, VL
  CK_ISA_V4_BF16 = 5,  ///< x86-64-v4 with AVX512_BF16: VDPBF16PS, two products of bf16 in a lane
};

/// The instruction set in use; the best one that the processor has unless `ck_set_isa` was called.
int ck_isa(void);

/// The best instruction set that the processor has.
int ck_best_isa(void);

/// Chooses an instruction set (tests and timings). Returns 0, or -1 when the processor lacks it. Not while kernels run.
int ck_set_isa(int isa);

/// "x86-64-v4+avx512bf16", "x86-64-v4", "x86-64-v3", "x86-64", "aarch64".
const char *ck_isa_name(int isa);

#endif
