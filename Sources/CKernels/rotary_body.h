// The kernels of ck_rotary.c, once per instruction set.

static void CK_(rotate)(const struct rotation *r, size_t begin, size_t end) {
  const size_t half = r->width / 2;
  for (size_t t = begin; t < end; t++) {
    const float *cosine = r->cosine + (size_t)r->positions[t] * half;
    const float *sine = r->sine + (size_t)r->positions[t] * half;
    for (size_t h = 0; h < r->H; h++) {
      float *x = r->x + t * r->x_stride + h * r->head_size;
      for (size_t i = 0; i < half; i += 16) {
        const size_t count = half - i < 16 ? half - i : 16;
        v16 a, b, c, s;
        if (r->interleaved) {
          float lanes[32] = {0};
          memcpy(lanes, x + 2 * i, 2 * count * sizeof(float));
          const v16 l = CK_(load)(lanes), u = CK_(load)(lanes + 16);
          a = __builtin_shufflevector(l, u, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
          b = __builtin_shufflevector(l, u, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        } else {
          a = count == 16 ? CK_(load)(x + i) : CK_(load_part)(x + i, count);
          b = count == 16 ? CK_(load)(x + half + i) : CK_(load_part)(x + half + i, count);
        }
        c = count == 16 ? CK_(load)(cosine + i) : CK_(load_part)(cosine + i, count);
        s = count == 16 ? CK_(load)(sine + i) : CK_(load_part)(sine + i, count);
        if (r->inverse) s = -s;
        const v16 p = CK_(fma16)(a, c, -(b * s)), q = CK_(fma16)(b, c, a * s);
        if (r->interleaved) {
          float lanes[32];
          CK_(store)(lanes, __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
          CK_(store)(lanes + 16, __builtin_shufflevector(p, q, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14,
                                                         30, 15, 31));
          memcpy(x + 2 * i, lanes, 2 * count * sizeof(float));
        } else if (count == 16) {
          CK_(store)(x + i, p);
          CK_(store)(x + half + i, q);
        } else {
          CK_(store_part)(x + i, p, count);
          CK_(store_part)(x + half + i, q, count);
        }
      }
    }
  }
}
