// Functions on 16 lanes, once per instruction set, included by the bodies that need them. Each is a fixed sequence of
// IEEE operations, so that all instruction sets agree to the bit; the coefficients are least-maximum fits.

/// e^x, within 1.2 units in the last place; 0 below -104, infinity above 88.73, NaN stays.
CK_INLINE v16 CK_(exp)(v16 x) {
  x = CK_(pick)(x > 89.0f, CK_(set)(89.0f), x);
  x = CK_(pick)(x < -104.5f, CK_(set)(-104.5f), x);
  const v16 magic = CK_(set)(0x1.8p23f);
  const v16 shifted = CK_(fma16)(x, CK_(set)(0x1.715476p0f), magic);
  const v16 n = shifted - magic;
  v16 r = CK_(fma16)(n, CK_(set)(-0x1.62e4p-1f), x);  // ln 2 in two parts, the first exact in products with n
  r = CK_(fma16)(n, CK_(set)(-0x1.7f7d1cp-20f), r);
  v16 q = CK_(set)(0.000197901405f);
  q = CK_(fma16)(q, r, CK_(set)(0.00139448687f));
  q = CK_(fma16)(q, r, CK_(set)(0.00833349861f));
  q = CK_(fma16)(q, r, CK_(set)(0.0416662917f));
  q = CK_(fma16)(q, r, CK_(set)(0.166666657f));
  q = CK_(fma16)(q, r, CK_(set)(0.5f));
  const v16 e = CK_(fma16)(r * r, q, r) + 1.0f;
  // Times 2^n in two steps, so that subnormal results are rounded once.
  const i16 k = (i16)((u16)shifted - (u16)magic);
  const i16 half = k >> 1;
  const v16 first = (v16)(((u16)half + 127) << 23);
  const v16 second = (v16)(((u16)k - (u16)half + 127) << 23);
  return e * first * second;
}

/// Φ(-a), the normal distribution's tail, for a >= 0: half of erfc(a / √2), within about 1e-6 of its value where that
/// is normal; NaN stays. It is e^(-a²/2) times a polynomial.
CK_INLINE v16 CK_(normal_tail)(v16 a) {
  a = CK_(pick)(a > 14.4f, CK_(set)(14.4f), a);
  const v16 z = a * 0.707106769f;
  const v16 t = (z - 3.0f) / (z + 3.0f);
  v16 p = CK_(set)(5.59161672e-05f);
  p = CK_(fma16)(p, t, CK_(set)(2.88807987e-05f));
  p = CK_(fma16)(p, t, CK_(set)(-0.000594569487f));
  p = CK_(fma16)(p, t, CK_(set)(0.00071573077f));
  p = CK_(fma16)(p, t, CK_(set)(0.00426887581f));
  p = CK_(fma16)(p, t, CK_(set)(-0.0243942309f));
  p = CK_(fma16)(p, t, CK_(set)(0.0716658607f));
  p = CK_(fma16)(p, t, CK_(set)(-0.150115788f));
  p = CK_(fma16)(p, t, CK_(set)(0.2456038f));
  p = CK_(fma16)(p, t, CK_(set)(-0.326233566f));
  p = CK_(fma16)(p, t, CK_(set)(0.179001153f));
  const v16 square = a * a;
  const v16 lost = CK_(fma16)(a, a, -square);  // what rounding a² lost
  const v16 e = CK_(exp)(-0.5f * square);
  return 0.5f * p * CK_(fma16)(-0.5f * lost, e, e);
}

CK_INLINE v16 CK_(abs)(v16 x) { return (v16)((u16)x & 0x7fffffff); }

CK_INLINE v16 CK_(with_sign)(v16 magnitude, v16 sign) {
  return (v16)(((u16)magnitude & 0x7fffffff) | ((u16)sign & 0x80000000));
}

/// tanh x, within about 3 units in the last place; NaN stays.
CK_INLINE v16 CK_(tanh)(v16 x) {
  const v16 a = CK_(abs)(x);
  const v16 s = x * x;
  v16 p = CK_(set)(0.00227617682f);
  p = CK_(fma16)(p, s, CK_(set)(-0.00832989998f));
  p = CK_(fma16)(p, s, CK_(set)(0.0217648726f));
  p = CK_(fma16)(p, s, CK_(set)(-0.0539588034f));
  p = CK_(fma16)(p, s, CK_(set)(0.133333012f));
  p = CK_(fma16)(p, s, CK_(set)(-0.333333343f));
  const v16 small = CK_(fma16)(x * s, p, x);
  const v16 big = 1.0f - 2.0f / (CK_(exp)(a + a) + 1.0f);
  return CK_(pick)(a < 0.63f, small, CK_(with_sign)(big, x));
}

CK_INLINE v16 CK_(silu)(v16 x) { return x / (1.0f + CK_(exp)(-x)); }

CK_INLINE v16 CK_(quick_gelu)(v16 x) { return x / (1.0f + CK_(exp)(-1.702f * x)); }

/// x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³), as x / (1 + e^(-2u)), which loses nothing for negative x.
CK_INLINE v16 CK_(gelu_tanh)(v16 x) {
  const v16 u = 0.797884583f * CK_(fma16)(0.044715f * x * x, x, x);
  return x / (1.0f + CK_(exp)(-2.0f * u));
}

/// x Φ(x).
CK_INLINE v16 CK_(gelu)(v16 x) {
  const v16 tail = CK_(normal_tail)(CK_(abs)(x));
  return x * CK_(pick)(x > 0.0f, 1.0f - tail, tail);
}

CK_INLINE v16 CK_(relu)(v16 x) { return CK_(pick)(x < 0.0f, CK_(set)(0), x); }
