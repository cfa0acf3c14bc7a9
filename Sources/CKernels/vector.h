// Helpers on 16-lane vectors, once per instruction set (see each_isa.h). No include guard on purpose.

CK_INLINE v16 CK_(load)(const float *p) {
  v16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// The first `count` (0...16) lanes, the others +0.
CK_INLINE v16 CK_(load_part)(const float *p, size_t count) {
  float lanes[16] = {0};
  for (size_t i = 0; i < count; i++) lanes[i] = p[i];
  return CK_(load)(lanes);
}

CK_INLINE void CK_(store)(float *p, v16 v) { memcpy(p, &v, sizeof v); }

CK_INLINE void CK_(store_part)(float *p, v16 v, size_t count) {
  float lanes[16];
  memcpy(lanes, &v, sizeof v);
  for (size_t i = 0; i < count; i++) p[i] = lanes[i];
}

CK_INLINE v16 CK_(set)(float x) { return (v16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

CK_INLINE v16 CK_(pick)(i16 mask, v16 yes, v16 no) { return (v16)(((i16)yes & mask) | ((i16)no & ~mask)); }

#if CK_FMA
#define CK_DEFINE_FMA(name, vec, dvec, qvec) \
  CK_INLINE vec name(vec a, vec b, vec c) { return __builtin_elementwise_fma(a, b, c); }
#else
// Without the instruction: the product is exact in double; the sum is rounded to odd there (the last bit set when
// anything was lost), which makes the second rounding, to float, the only one that counts.
#define CK_DEFINE_FMA(name, vec, dvec, qvec)                                                          \
  CK_INLINE vec name(vec a, vec b, vec c) {                                                           \
    dvec p = __builtin_convertvector(a, dvec) * __builtin_convertvector(b, dvec);                     \
    dvec q = __builtin_convertvector(c, dvec);                                                        \
    dvec s = p + q;                                                                                   \
    dvec back = s - p;                                                                                \
    dvec lost = (p - (s - back)) + (q - back);                                                        \
    qvec inexact = (lost > 0) | (lost < 0);                                                           \
    qvec outward = ((lost > 0) == (s > 0)); /* the exact sum lies farther from zero than s */         \
    qvec bits = (qvec)s;                                                                              \
    qvec even = (bits & 1) - 1; /* all ones where the last bit is 0 */                                \
    qvec step = (outward & 1) | (~outward & -1);                                                      \
    s = (dvec)(bits + (step & inexact & even));                                                       \
    return __builtin_convertvector(s, vec);                                                           \
  }
#endif
CK_DEFINE_FMA(CK_(fma16), v16, d16, q16)
CK_DEFINE_FMA(CK_(fma8), v8, d8, q8)
CK_DEFINE_FMA(CK_(fma4), v4, d4, q4)
#undef CK_DEFINE_FMA

// MARK: the tree

// The one tree of the number contract: lane j + lane j+8, then +4, +2, +1. The reductions of many accumulators share
// their additions' vectors; each accumulator's own additions are the same as alone.

CK_INLINE v16 CK_(fold1)(v16 a, v16 b) {  // [8 sums of a | 8 of b]
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
CK_INLINE v16 CK_(fold2)(v16 p, v16 q) {  // [4 of a | 4 of b | 4 of c | 4 of d]
  return __builtin_shufflevector(p, q, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
         __builtin_shufflevector(p, q, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
CK_INLINE v16 CK_(fold3)(v16 p, v16 q) {  // [2 of a, 2 of e | 2 of b, 2 of f | c, g | d, h]
  return __builtin_shufflevector(p, q, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
         __builtin_shufflevector(p, q, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
CK_INLINE v16 CK_(fold4)(v16 p, v16 q) {  // [a e i m | b f j n | c g k o | d h l p]
  return __builtin_shufflevector(p, q, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30) +
         __builtin_shufflevector(p, q, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
}

/// The sums of 8 accumulators' lanes: accumulators 0...7 in lanes 0...7, and again in 8...15.
CK_INLINE v16 CK_(sum8)(const v16 *a) {
  v16 p = CK_(fold2)(CK_(fold1)(a[0], a[1]), CK_(fold1)(a[2], a[3]));
  v16 q = CK_(fold2)(CK_(fold1)(a[4], a[5]), CK_(fold1)(a[6], a[7]));
  v16 r = CK_(fold3)(p, q);
  v16 s = CK_(fold4)(r, r);
  return __builtin_shufflevector(s, s, 0, 4, 8, 12, 1, 5, 9, 13, 0, 4, 8, 12, 1, 5, 9, 13);
}

/// The sums of 16 accumulators' lanes, in their order.
CK_INLINE v16 CK_(sum16)(const v16 *a) {
  v16 p = CK_(fold2)(CK_(fold1)(a[0], a[1]), CK_(fold1)(a[2], a[3]));
  v16 q = CK_(fold2)(CK_(fold1)(a[4], a[5]), CK_(fold1)(a[6], a[7]));
  v16 r = CK_(fold2)(CK_(fold1)(a[8], a[9]), CK_(fold1)(a[10], a[11]));
  v16 s = CK_(fold2)(CK_(fold1)(a[12], a[13]), CK_(fold1)(a[14], a[15]));
  v16 t = CK_(fold4)(CK_(fold3)(p, q), CK_(fold3)(r, s));
  return __builtin_shufflevector(t, t, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/// The sum of one accumulator's lanes.
CK_INLINE float CK_(sum)(v16 a) {
  float x[16];
  memcpy(x, &a, sizeof a);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) x[i] += x[i + width];
  return x[0];
}

// MARK: transposition

CK_INLINE v16 CK_(interleave)(v16 a, v16 b, const int width, const int upper) {
  // Lanes of a and b by turns in runs of `width`, of their lower or upper halves within each 2 * width.
  switch (width * 2 + upper) {
    case 2: return __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
    case 3: return __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    case 4: return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    case 5: return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    case 8: return __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    case 9: return __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    case 16: return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    default: return __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  }
}

/// Transposes 16 vectors of 16.
CK_INLINE void CK_(transpose)(v16 *a) {
#pragma clang loop unroll(full)
  for (int width = 1; width < 16; width *= 2)
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++)
      if (!(i & width)) {
        const v16 low = CK_(interleave)(a[i], a[i + width], width, 0);
        a[i + width] = CK_(interleave)(a[i], a[i + width], width, 1);
        a[i] = low;
      }
}

CK_INLINE v8 CK_(interleave8)(v8 a, v8 b, const int width, const int upper) {
  switch (width * 2 + upper) {
    case 2: return __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14);
    case 3: return __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    case 4: return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
    case 5: return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    case 8: return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
    default: return __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/// Transposes 8 vectors of 8.
CK_INLINE void CK_(transpose8)(v8 *a) {
#pragma clang loop unroll(full)
  for (int width = 1; width < 8; width *= 2)
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i++)
      if (!(i & width)) {
        const v8 low = CK_(interleave8)(a[i], a[i + width], width, 0);
        a[i + width] = CK_(interleave8)(a[i], a[i + width], width, 1);
        a[i] = low;
      }
}

// MARK: 16-bit floats

CK_INLINE v16 CK_(widen_bf16)(const uint16_t *p) {
  h16 h;
  memcpy(&h, p, sizeof h);
  return (v16)(__builtin_convertvector(h, u16) << 16);
}

CK_INLINE v16 CK_(widen_f16)(const uint16_t *p) {
#if CK_LEVEL > 1
  typedef _Float16 half16 __attribute__((vector_size(32)));
  half16 h;
  memcpy(&h, p, sizeof h);
  return __builtin_convertvector(h, v16);
#else
  h16 h;
  memcpy(&h, p, sizeof h);
  u16 w = __builtin_convertvector(h, u16);
  u16 magnitude = w & 0x7fff;
  // Shifted into place the exponent is 112 too small; the product is exact, subnormal halves included.
  u16 scaled = (u16)((v16)(magnitude << 13) * CK_(set)(0x1p112f));
  u16 special = (u16)(magnitude >= 0x7c00);
  u16 quiet = (u16)(magnitude > 0x7c00) & 0x00400000;
  u16 bits = (scaled & ~special) | (((magnitude << 13) | 0x7f800000) & special) | quiet;
  return (v16)(bits | (w & 0x8000) << 16);
#endif
}

/// Nearest even; a NaN stays one (quiet, upper payload kept).
CK_INLINE h16 CK_(narrow_bf16)(v16 v) {
  u16 bits = (u16)v;
  u16 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  u16 nan = (u16)((bits & 0x7fffffff) > 0x7f800000);
  return __builtin_convertvector((rounded & ~nan) | (((bits >> 16) | 0x40) & nan), h16);
}

/// Nearest even; beyond 65504 infinity; a NaN stays one (quiet, upper payload kept).
CK_INLINE h16 CK_(narrow_f16)(v16 v) {
#if CK_LEVEL > 1
  typedef _Float16 half16 __attribute__((vector_size(32)));
  return (h16)__builtin_convertvector(v, half16);
#else
  u16 bits = (u16)v;
  u16 sign = (bits >> 16) & 0x8000;
  u16 a = bits & 0x7fffffff;
  // Normal halves: round the 13 lower bits away, move the exponent.
  u16 normal = (a - 0x38000000 + 0xfff + ((a >> 13) & 1)) >> 13;
  // Subnormal halves: adding 1/2 puts the half's last place on the float's last place; the sum rounds it.
  u16 small = (u16)((v16)a + CK_(set)(0.5f)) - 0x3f000000;
  u16 is_small = (u16)(a < 0x38800000);
  u16 is_big = (u16)(a >= 0x477ff000);
  u16 is_nan = (u16)(a > 0x7f800000);
  u16 h = (small & is_small) | (normal & ~is_small);
  h = (h & ~is_big) | (0x7c00 & is_big);
  h = (h & ~is_nan) | ((0x7e00 | ((a >> 13) & 0x3ff)) & is_nan);
  return __builtin_convertvector(h | sign, h16);
#endif
}
