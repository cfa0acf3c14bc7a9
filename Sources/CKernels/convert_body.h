// The kernels of ck_convert.c, once per instruction set.

#define WIDEN(name, widen)                                                         \
  static void CK_(name)(float *to, const uint16_t *from, size_t n) {               \
    size_t i = 0;                                                                  \
    for (; i + 16 <= n; i += 16) CK_(store)(to + i, widen(from + i));              \
    if (i < n) {                                                                   \
      uint16_t rest[16] = {0};                                                     \
      for (size_t j = 0; i + j < n; j++) rest[j] = from[i + j];                    \
      CK_(store_part)(to + i, widen(rest), n - i);                                 \
    }                                                                              \
  }
WIDEN(f32_bf16, CK_(widen_bf16))
WIDEN(f32_f16, CK_(widen_f16))
#undef WIDEN

#define NARROW(name, narrow)                                                       \
  static void CK_(name)(uint16_t *to, const float *from, size_t n) {               \
    for (size_t i = 0; i < n; i += 16) {                                           \
      const size_t count = n - i < 16 ? n - i : 16;                                \
      const h16 h = narrow(count == 16 ? CK_(load)(from + i) : CK_(load_part)(from + i, count)); \
      if (count == 16) {                                                           \
        memcpy(to + i, &h, sizeof h);                                              \
      } else {                                                                     \
        uint16_t rest[16];                                                         \
        memcpy(rest, &h, sizeof h);                                                \
        for (size_t j = 0; j < count; j++) to[i + j] = rest[j];                    \
      }                                                                            \
    }                                                                              \
  }
NARROW(bf16_f32, CK_(narrow_bf16))
NARROW(f16_f32, CK_(narrow_f16))
#undef NARROW
