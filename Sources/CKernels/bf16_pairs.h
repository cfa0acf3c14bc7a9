// Products of bf16 pairs, once per instruction set. No include guard on purpose.
//
// A pair is a lane of 32 bits: the input with the even number in the lower half, the odd one in the upper half. Two
// layouts hold 16 pairs: as they are, in one step (PAIR_STEPS 1), or split into two steps of f32, the odd members and
// then the even ones (PAIR_STEPS 2). In both, one accumulator's lane takes odd member, even member, one fused
// multiply-add each; with AVX512_BF16 it is the one instruction VDPBF16PS, which does the same but for taking
// subnormal numbers as zero.
#if CK_LEVEL == 3 || CK_LEVEL == 4
#define PAIR_STEPS 2
#else
#define PAIR_STEPS 1
#endif

/// Step `part` of some pairs.
CK_INLINE v16 CK_(pair_step)(u16 pairs, const int part) {
  if (PAIR_STEPS == 1) return (v16)pairs;
  return part == 0 ? (v16)(pairs & 0xffff0000) : (v16)(pairs << 16);
}

#if CK_LEVEL == 5
CK_INLINE v16 CK_(dot16)(v16 x, v16 w, v16 a) {
  return (v16)_mm512_dpbf16_ps((__m512)a, (__m512bh)x, (__m512bh)w);
}
#elif PAIR_STEPS == 2
CK_INLINE v16 CK_(dot16)(v16 x, v16 w, v16 a) { return CK_(fma16)(x, w, a); }
CK_INLINE v8 CK_(dot8)(v8 x, v8 w, v8 a) { return CK_(fma8)(x, w, a); }
#else
#define CK_DEFINE_DOT(name, fma, vec, bits)                                            \
  CK_INLINE vec name(vec x, vec w, vec a) {                                            \
    a = fma((vec)((bits)x & 0xffff0000), (vec)((bits)w & 0xffff0000), a);              \
    return fma((vec)((bits)x << 16), (vec)((bits)w << 16), a);                         \
  }
CK_DEFINE_DOT(CK_(dot16), CK_(fma16), v16, u16)
CK_DEFINE_DOT(CK_(dot4), CK_(fma4), v4, u4)
#undef CK_DEFINE_DOT
#endif

/// The pairs of 32 stored numbers.
CK_INLINE u16 CK_(load_pairs)(const uint16_t *p) {
  u16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// The first `count` (0...32) of them, the others +0.
CK_INLINE u16 CK_(load_pairs_part)(const uint16_t *p, size_t count) {
  uint16_t numbers[32] = {0};
  for (size_t i = 0; i < count; i++) numbers[i] = p[i];
  return CK_(load_pairs)(numbers);
}
