// The kernel of ck_peak.c, once per instruction set.

#if CK_LEVEL >= 4
#define VECTOR v16
#define FMA CK_(fma16)
#elif CK_LEVEL == 3
#define VECTOR v8
#define FMA CK_(fma8)
#else
#define VECTOR v4
#define FMA CK_(fma4)
#endif

static double CK_(multiply_add)(size_t rounds) {
  VECTOR a[12], x = {0}, y = {0};
  for (size_t i = 0; i < sizeof x / sizeof(float); i++) x[i] = 0.999999f, y[i] = 1e-7f * (float)i;
#pragma clang loop unroll(full)
  for (int i = 0; i < 12; i++) a[i] = y * (float)i;
  for (size_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; i++) a[i] = FMA(a[i], x, y);
  }
#pragma clang loop unroll(full)
  for (int i = 1; i < 12; i++) a[0] = a[0] + a[i];
  sink = a[0][0];
  return (double)rounds * 12 * 2 * (double)(sizeof x / sizeof(float));
}

#include "bf16_pairs.h"

static double CK_(bf16_multiply_add)(size_t rounds) {
  // Every pair is (1, 2^-20), with itself: sums grow by about one a round and stay normal numbers.
  const v16 x = CK_(pair_step)((u16){0} + 0x35803f80, 0);
  v16 a[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) a[i] = CK_(set)((float)i);
  for (size_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int part = 0; part < PAIR_STEPS; part++)
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i++) a[i] = CK_(dot16)(x, x, a[i]);
  }
#pragma clang loop unroll(full)
  for (int i = 1; i < 16; i++) a[0] = a[0] + a[i];
  sink = a[0][0];
  return (double)rounds * 16 * 2 * 2 * 16;
}
#undef PAIR_STEPS
#undef VECTOR
#undef FMA
