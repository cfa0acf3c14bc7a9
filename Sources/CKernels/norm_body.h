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

CK_INLINE v16 CK_(take)(const float *p, size_t count) { return count == 16 ? CK_(load)(p) : CK_(load_part)(p, count); }

CK_INLINE void CK_(give)(float *p, v16 v, size_t count) {
  if (count == 16) CK_(store)(p, v);
  else CK_(store_part)(p, v, count);
}

// Runs its body for 16 numbers of a row at a time, the first of them d; `count` of them are there.
#define EACH                                                                                        \
  for (size_t d = 0, count = D < 16 ? D : 16; d < D; d += 16, count = D - d < 16 ? D - d : 16)

/// Some rows of either norm; their sums for gain and bias are added to dgain[D] and dbias[D].
static void CK_(norm_back)(const struct norm_back *n, float *dgain, float *dbias, size_t begin, size_t end) {
  const size_t D = n->D;
  const v16 offset = CK_(set)(n->offset);
  for (size_t m = begin; m < end; m++) {
    const float *x = n->x + m * D, *dy = n->dy + m * D;
    float *dx = n->dx + m * D;
    v16 sum = {0};
    float average = 0;
    if (n->is_layer) {
      EACH sum = sum + CK_(take)(x + d, count);
      average = CK_(sum)(sum) / (float)D;
      sum = (v16){0};
    }
    EACH {
      // Lanes beyond the end must not count as -mean.
      v16 v = CK_(take)(x + d, count) - average;
      if (count < 16) {
        float lanes[16];
        CK_(store)(lanes, v);
        v = CK_(load_part)(lanes, count);
      }
      sum = CK_(fma16)(v, v, sum);
    }
    const float r = 1.0f / sqrtf(CK_(sum)(sum) / (float)D + n->eps);
    v16 level = {0}, along = {0};
    EACH {
      const v16 h = (CK_(take)(x + d, count) - average) * r, g = CK_(take)(dy + d, count);
      const v16 a = g * (CK_(take)(n->gain + d, count) + offset);
      level = level + a;
      along = CK_(fma16)(a, h, along);
      CK_(give)(dgain + d, CK_(fma16)(g, h, CK_(take)(dgain + d, count)), count);
      if (dbias) CK_(give)(dbias + d, CK_(take)(dbias + d, count) + g, count);
    }
    const float mean = n->is_layer ? CK_(sum)(level) / (float)D : 0, slope = CK_(sum)(along) / (float)D;
    EACH {
      const v16 h = (CK_(take)(x + d, count) - average) * r;
      const v16 a = CK_(take)(dy + d, count) * (CK_(take)(n->gain + d, count) + offset);
      const v16 v = (a - mean - h * slope) * r;
      CK_(give)(dx + d, n->accumulates ? CK_(take)(dx + d, count) + v : v, count);
    }
  }
}
#undef EACH
