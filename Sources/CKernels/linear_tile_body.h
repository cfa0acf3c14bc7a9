// The register tile of products of bf16, once per instruction set: MR rows of x against a panel of NR outputs.
//
// Rows and panels are steps of 16 lanes of four bytes. The body that includes this says what one step does to the
// lanes of an accumulator: MULTIPLY_ADD(x, w, a), such as one fused multiply-add (LANES_FMA).

// Lanes that one pass of a register tile holds, and outputs of a pass: as many accumulators as there are registers.
#if CK_LEVEL >= 4
#define LANES 16
#define PASS_NR 6
typedef v16 CK_(lanes);
#define LANES_FMA CK_(fma16)
#elif CK_LEVEL == 3
#define LANES 8
#define PASS_NR 3
typedef v8 CK_(lanes);
#define LANES_FMA CK_(fma8)
#else
#define LANES 4
#define PASS_NR 3
typedef v4 CK_(lanes);
#define LANES_FMA CK_(fma4)
#endif

CK_INLINE CK_(lanes) CK_(load_lanes)(const float *p) {
  CK_(lanes) v;
  memcpy(&v, p, sizeof v);
  return v;
}

/// Asks for the stored bytes of the outputs n ..< n + NR over k ..< k + length, part `part` of `parts`.
CK_INLINE void CK_(prefetch_panel)(const struct bf16_product *p, size_t n, size_t k, size_t length, size_t part,
                                   size_t parts) {
  if (n >= p->of.N) return;
  const size_t size = p->of.w.type == CK_F32 ? 4 : 2;
  const size_t lines = (length * size + 63) / 64, all = lines * NR;
  for (size_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const size_t row = i / lines, line = i % lines;
    if (n + row >= p->of.N) return;
    const char *at = (const char *)p->of.w.data + ((output_of(&p->of, n + row) - p->first) * p->of.w.stride + k) * size;
    __builtin_prefetch(at + line * 64, 0, 2);
  }
}

/// One step: a += x[R] · panel[PASS_NR], the lanes LANES of each.
CK_INLINE void CK_(step)(CK_(lanes) a[MR][PASS_NR], const float *x, size_t x_stride, const float *panel,
                         const size_t R) {
  // Sixteen registers hold 12 accumulators, the outputs' lanes and one row's; with more of them rows are held instead.
#if CK_LEVEL >= 4
  CK_(lanes) xv[MR];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) xv[r] = CK_(load_lanes)(x + r * x_stride);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < PASS_NR; i++) {
    const CK_(lanes) wv = CK_(load_lanes)(panel + i * 16);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < R; r++) a[r][i] = MULTIPLY_ADD(xv[r], wv, a[r][i]);
  }
#else
  CK_(lanes) wv[PASS_NR];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < PASS_NR; i++) wv[i] = CK_(load_lanes)(panel + i * 16);
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) {
    const CK_(lanes) xv = CK_(load_lanes)(x + r * x_stride);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < PASS_NR; i++) a[r][i] = MULTIPLY_ADD(xv, wv[i], a[r][i]);
  }
#endif
}

/// lanes[R][NR][16] (+)= x[R, 16 * steps] · panel, then, unless NULL, end[R][16] · the panel's last step. With `sums`
/// the trees follow, sums[R * NR], and the lanes are left undefined; without them the lanes are kept for more.
CK_INLINE void CK_(tile)(float *sums, float *lanes, const float *x, size_t x_stride, const float *panel, size_t steps,
                         const float *end, int fresh, const size_t R) {
  for (size_t n = 0; n < NR; n += PASS_NR) {
    for (size_t l = 0; l < 16; l += LANES) {
      CK_(lanes) a[MR][PASS_NR];
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PASS_NR; i++)
          a[r][i] = fresh ? (CK_(lanes)){0} : CK_(load_lanes)(lanes + (r * NR + n + i) * 16 + l);
      const float *w = panel + n * 16 + l, *v = x + l;
#pragma clang loop unroll_count(2)
      for (size_t s = 0; s < steps; s++, w += NR * 16, v += 16) CK_(step)(a, v, x_stride, w, R);
      if (end) CK_(step)(a, end + l, 16, w, R);
#if CK_LEVEL >= 4
      if (sums) {
        v16 all[MR * NR] = {{0}};
#pragma clang loop unroll(full)
        for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
          for (size_t i = 0; i < NR; i++) all[r * NR + i] = a[r][i];
        CK_(store)(sums, CK_(sum16)(all));
        CK_(store)(sums + 16, CK_(sum8)(all + 16));
        return;
      }
#endif
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PASS_NR; i++) memcpy(lanes + (r * NR + n + i) * 16 + l, &a[r][i], sizeof a[r][i]);
    }
  }
  if (!sums) return;
  v16 all[MR * NR] = {{0}};
  memcpy(all, lanes, R * NR * 16 * sizeof(float));
  CK_(store)(sums, CK_(sum16)(all));
  CK_(store)(sums + 16, CK_(sum8)(all + 16));
}

CK_NOINLINE void CK_(tile_of)(float *sums, float *lanes, const float *x, size_t x_stride, const float *panel,
                              size_t steps, const float *end, int fresh, size_t R) {
  if (R == 4) CK_(tile)(sums, lanes, x, x_stride, panel, steps, end, fresh, 4);
  else if (R == 3) CK_(tile)(sums, lanes, x, x_stride, panel, steps, end, fresh, 3);
  else if (R == 2) CK_(tile)(sums, lanes, x, x_stride, panel, steps, end, fresh, 2);
  else CK_(tile)(sums, lanes, x, x_stride, panel, steps, end, fresh, 1);
}

/// y[rows, outputs] = sums[rows * NR] + bias[8], outputs <= NR.
CK_INLINE void CK_(put_tile)(float *y, size_t y_stride, const float *sums, const float *bias, size_t rows,
                             size_t outputs) {
  v8 b;
  memcpy(&b, bias, sizeof b);
  for (size_t r = 0; r < rows; r++) {
    v8 v;
    memcpy(&v, sums + r * NR, sizeof v);
    v = v + b;
    if (outputs == NR)
      memcpy(y + r * y_stride, &v, NR * sizeof(float));
    else
      memcpy(y + r * y_stride, &v, outputs * sizeof(float));
  }
}
