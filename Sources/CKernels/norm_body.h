// The kernels of ck_norm.c, once per instruction set.

static void CK_(norm_rms)(const struct norm *n, size_t begin, size_t end) {
  const size_t D = n->D, whole = D / 16 * 16, rest = D % 16;
  const v16 offset = CK_(set)(n->offset);
  for (size_t m = begin; m < end; m++) {
    const float *x = n->x + m * D;
    float *y = n->y + m * D;
    v16 a = {0};
    for (size_t d = 0; d < whole; d += 16) {
      const v16 v = CK_(load)(x + d);
      a = CK_(fma16)(v, v, a);
    }
    if (rest) {
      const v16 v = CK_(load_part)(x + whole, rest);
      a = CK_(fma16)(v, v, a);
    }
    const v16 scale = CK_(set)(1.0f / sqrtf(CK_(sum)(a) / (float)D + n->eps));
    for (size_t d = 0; d < whole; d += 16)
      CK_(store)(y + d, CK_(load)(x + d) * scale * (CK_(load)(n->gain + d) + offset));
    if (rest) {
      const v16 v = CK_(load_part)(x + whole, rest) * scale;
      CK_(store_part)(y + whole, v * (CK_(load_part)(n->gain + whole, rest) + offset), rest);
    }
  }
}

static void CK_(norm_layer)(const struct norm *n, size_t begin, size_t end) {
  const size_t D = n->D, whole = D / 16 * 16, rest = D % 16;
  for (size_t m = begin; m < end; m++) {
    const float *x = n->x + m * D;
    float *y = n->y + m * D;
    v16 a = {0};
    for (size_t d = 0; d < whole; d += 16) a = a + CK_(load)(x + d);
    if (rest) a = a + CK_(load_part)(x + whole, rest);
    const float average = CK_(sum)(a) / (float)D;
    const v16 mean = CK_(set)(average);
    a = (v16){0};
    for (size_t d = 0; d < whole; d += 16) {
      const v16 v = CK_(load)(x + d) - mean;
      a = CK_(fma16)(v, v, a);
    }
    if (rest) {
      float v[16] = {0};
      for (size_t i = 0; i < rest; i++) v[i] = x[whole + i] - average;
      a = CK_(fma16)(CK_(load)(v), CK_(load)(v), a);
    }
    const v16 scale = CK_(set)(1.0f / sqrtf(CK_(sum)(a) / (float)D + n->eps));
    for (size_t d = 0; d < whole; d += 16) {
      const v16 v = (CK_(load)(x + d) - mean) * scale, g = CK_(load)(n->gain + d);
      CK_(store)(y + d, n->bias ? CK_(fma16)(v, g, CK_(load)(n->bias + d)) : v * g);
    }
    if (rest) {
      const v16 v = (CK_(load_part)(x + whole, rest) - mean) * scale, g = CK_(load_part)(n->gain + whole, rest);
      const v16 r = n->bias ? CK_(fma16)(v, g, CK_(load_part)(n->bias + whole, rest)) : v * g;
      CK_(store_part)(y + whole, r, rest);
    }
  }
}
