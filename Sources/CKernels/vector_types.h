// The vectors of the kernels' bodies: 16 lanes whatever the instruction set.
#ifndef VECTOR_TYPES_H
#define VECTOR_TYPES_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Vectors are passed only between functions that are always inlined, so no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float v16 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef uint32_t u16 __attribute__((vector_size(64)));
typedef uint32_t u8 __attribute__((vector_size(32)));
typedef uint32_t u4 __attribute__((vector_size(16)));
typedef uint16_t h16 __attribute__((vector_size(32)));
typedef uint16_t h8 __attribute__((vector_size(16)));
typedef uint16_t h4 __attribute__((vector_size(8)));
typedef double d16 __attribute__((vector_size(128)));
typedef double d8 __attribute__((vector_size(64)));
typedef double d4 __attribute__((vector_size(32)));
typedef int64_t q16 __attribute__((vector_size(128)));
typedef int64_t q8 __attribute__((vector_size(64)));
typedef int64_t q4 __attribute__((vector_size(32)));

#define CK_INLINE static inline __attribute__((always_inline, unused))
#define CK_NOINLINE static __attribute__((noinline))

#endif
