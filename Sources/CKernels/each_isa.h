// Includes CK_BODY once per instruction set. In the body, CK_(name) is the name with the set's suffix, CK_LEVEL
// the set's number, CK_FMA whether it has fused multiply-add, and the vector helpers of vector.h are at hand.
//
// A body is written once, with 16-lane vectors: every lane of every instruction set does the same operations in the
// same order. `-ffp-contract=off` is set for the whole target, so that only the fused operations that are written
// are fused. A family that defines CK_WITH_BF16 is included a fourth time, for AVX-512 with AVX512_BF16, whose
// VDPBF16PS it may use; the others run their AVX-512 version there.
#include "ck_isa.h"
#include "vector_types.h"
#if defined(CK_WITH_BF16) && defined(__x86_64__)
#include <immintrin.h>
#endif

#define CK_JOIN2(a, b) a##b
#define CK_JOIN(a, b) CK_JOIN2(a, b)
#define CK_(name) CK_JOIN(name, CK_SUFFIX)

#define CK_SUFFIX _base
#define CK_LEVEL 1
#if defined(__x86_64__) && !defined(__FMA__)
#define CK_FMA 0
#else
#define CK_FMA 1
#endif
#include "vector.h"
#include CK_BODY
#undef CK_SUFFIX
#undef CK_LEVEL
#undef CK_FMA

#if defined(__x86_64__)
#define CK_FMA 1

#define CK_SUFFIX _v3
#define CK_LEVEL 3
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt,movbe"))), apply_to = function)
#include "vector.h"
#include CK_BODY
#pragma clang attribute pop
#undef CK_SUFFIX
#undef CK_LEVEL

#define CK_SUFFIX _v4
#define CK_LEVEL 4
#pragma clang attribute push(                                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,lzcnt,movbe"),   \
                   min_vector_width(512))),                                                                    \
    apply_to = function)
#include "vector.h"
#include CK_BODY
#pragma clang attribute pop
#undef CK_SUFFIX
#undef CK_LEVEL

#if defined(CK_WITH_BF16)
#define CK_SUFFIX _v4_bf16
#define CK_LEVEL 5
#pragma clang attribute push(                                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,bmi,bmi2,"     \
                          "lzcnt,movbe"),                                                                      \
                   min_vector_width(512))),                                                                    \
    apply_to = function)
#include "vector.h"
#include CK_BODY
#pragma clang attribute pop
#undef CK_SUFFIX
#undef CK_LEVEL
#define CK_CALL_BEST(isa, name, ...) \
  ((isa) == CK_ISA_V4_BF16 ? name##_v4_bf16(__VA_ARGS__) : name##_v4(__VA_ARGS__))
#else
#define CK_CALL_BEST(isa, name, ...) name##_v4(__VA_ARGS__)
#endif
#undef CK_FMA

/// Calls a function of the body in a stated instruction set, for steps whose intermediate layout is the set's own.
#define CK_CALL_IN(isa, name, ...)                                    \
  ((isa) >= CK_ISA_V4   ? CK_CALL_BEST(isa, name, __VA_ARGS__)        \
   : (isa) == CK_ISA_V3 ? name##_v3(__VA_ARGS__)                      \
                        : name##_base(__VA_ARGS__))
#else
#define CK_CALL_IN(isa, name, ...) ((void)(isa), name##_base(__VA_ARGS__))
#endif

/// Calls a function of the body in the instruction set in use.
#define CK_CALL(name, ...) CK_CALL_IN(ck_isa(), name, __VA_ARGS__)
