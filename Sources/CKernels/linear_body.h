// The kernels of ck_linear.c, once per instruction set.

// Lanes that one pass of a register tile holds, and outputs of a pass: as many accumulators as there are registers.
#if CK_LEVEL == 4
#define LANES 16
#define PASS_NR 6
typedef v16 CK_(lanes);
#define FMA CK_(fma16)
#elif CK_LEVEL == 3
#define LANES 8
#define PASS_NR 3
typedef v8 CK_(lanes);
#define FMA CK_(fma8)
#else
#define LANES 4
#define PASS_NR 3
typedef v4 CK_(lanes);
#define FMA CK_(fma4)
#endif

CK_INLINE CK_(lanes) CK_(load_lanes)(const float *p) {
  CK_(lanes) v;
  memcpy(&v, p, sizeof v);
  return v;
}

// MARK: packed panels, for many rows

/// One element as f32.
CK_INLINE float CK_(element)(const ck_matrix *w, size_t index) {
  if (w->type == CK_F32) return ((const float *)w->data)[index];
  uint16_t bits[16] = {((const uint16_t *)w->data)[index]};
  return w->type == CK_BF16 ? CK_(widen_bf16)(bits)[0] : CK_(widen_f16)(bits)[0];
}

/// Elements `index ..< index + 16` as f32.
CK_INLINE v16 CK_(elements)(const ck_matrix *w, size_t index) {
  if (w->type == CK_F32) return CK_(load)((const float *)w->data + index);
  const uint16_t *p = (const uint16_t *)w->data + index;
  return w->type == CK_BF16 ? CK_(widen_bf16)(p) : CK_(widen_f16)(p);
}

/// Elements `index ..< index + count`, the other lanes +0.
CK_INLINE v16 CK_(elements_part)(const ck_matrix *w, size_t index, size_t count) {
  if (w->type == CK_F32) return CK_(load_part)((const float *)w->data + index, count);
  uint16_t lanes[16] = {0};
  const uint16_t *p = (const uint16_t *)w->data + index;
  for (size_t i = 0; i < count; i++) lanes[i] = p[i];
  return w->type == CK_BF16 ? CK_(widen_bf16)(lanes) : CK_(widen_f16)(lanes);
}

/// Writes the outputs n ..< n + NR over k ..< k + length as f32 panel [steps][NR][16], zeros where W ends.
CK_NOINLINE void CK_(pack_panel)(float *panel, const struct product *p, size_t n, size_t k, size_t length) {
  const size_t whole = length / 16, rest = length % 16;
  for (size_t r = 0; r < NR; r++) {
    float *to = panel + r * 16;
    if (n + r >= p->N) {
      for (size_t s = 0; s < whole + (rest > 0); s++) CK_(store)(to + s * NR * 16, CK_(set)(0));
      continue;
    }
    const size_t output = output_of(p, n + r);
    if (p->w.transposed) {
      for (size_t i = 0; i < multiple(length, 16); i++)
        to[i / 16 * NR * 16 + i % 16] =
            i < length ? CK_(element)(&p->w, (k + i) * p->w.stride + output) : 0;
      continue;
    }
    const size_t at = output * p->w.stride + k;
    for (size_t s = 0; s < whole; s++) CK_(store)(to + s * NR * 16, CK_(elements)(&p->w, at + s * 16));
    if (rest) CK_(store)(to + whole * NR * 16, CK_(elements_part)(&p->w, at + whole * 16, rest));
  }
}

/// lanes[R][NR][16] (+)= x[R, 16 * steps] · panel, all lanes apart.
CK_INLINE void CK_(tile)(float *lanes, const float *x, size_t x_stride, const float *panel, size_t steps,
                         int fresh, const size_t R) {
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
      for (size_t s = 0; s < steps; s++, w += NR * 16, v += 16) {
        CK_(lanes) xv[MR];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < R; r++) xv[r] = CK_(load_lanes)(v + r * x_stride);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PASS_NR; i++) {
          const CK_(lanes) wv = CK_(load_lanes)(w + i * 16);
#pragma clang loop unroll(full)
          for (size_t r = 0; r < R; r++) a[r][i] = FMA(xv[r], wv, a[r][i]);
        }
      }
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PASS_NR; i++) memcpy(lanes + (r * NR + n + i) * 16 + l, &a[r][i], sizeof a[r][i]);
    }
  }
}

CK_NOINLINE void CK_(tile_of)(float *lanes, const float *x, size_t x_stride, const float *panel, size_t steps,
                              int fresh, size_t R) {
  if (R == 4) CK_(tile)(lanes, x, x_stride, panel, steps, fresh, 4);
  else if (R == 3) CK_(tile)(lanes, x, x_stride, panel, steps, fresh, 3);
  else if (R == 2) CK_(tile)(lanes, x, x_stride, panel, steps, fresh, 2);
  else CK_(tile)(lanes, x, x_stride, panel, steps, fresh, 1);
}

/// y[rows, n ..< n + NR] = the trees over lanes[MR][NR][16], plus bias.
CK_NOINLINE void CK_(finish_tile)(float *y, const struct product *p, const float *lanes, const float *bias, size_t n,
                                  size_t rows) {
  v16 a[MR * NR];
  memcpy(a, lanes, sizeof a);
  float sums[MR * NR + 16];
  CK_(store)(sums, CK_(sum16)(a));
  CK_(store)(sums + 16, CK_(sum8)(a + 16));
  if (n + NR <= p->N) {
    for (size_t r = 0; r < rows; r++)
      for (size_t i = 0; i < NR; i++) y[r * p->y_stride + i] = sums[r * NR + i] + bias[i];
  } else {
    for (size_t r = 0; r < rows; r++)
      for (size_t i = 0; n + i < p->N; i++) y[r * p->y_stride + i] = sums[r * NR + i] + bias[i];
  }
}

static void CK_(linear_packed)(struct product *p, size_t task) {
  const size_t m0 = task / p->tasks_per_block * p->rows_per_block;
  const size_t m1 = least(p->M, m0 + p->rows_per_block);
  const size_t n0 = task % p->tasks_per_block * p->outputs_per_task;
  const size_t n1 = least(p->N, n0 + p->outputs_per_task);
  const size_t K = p->K, whole = K / 16 * 16;
  const size_t stretches = K == 0 ? 1 : (K + PANEL_K - 1) / PANEL_K;
  const size_t stretch = K == 0 ? 16 : multiple((K + stretches - 1) / stretches, 16);
  float *panel = ck_scratch(CK_SCRATCH_PANEL, (stretch + 16) * NR * sizeof(float));
  float *lanes = ck_scratch(CK_SCRATCH_LANES, multiple(m1 - m0, MR) * NR * 16 * sizeof(float));
  for (size_t n = n0; n < n1; n += NR) {
    float bias[NR] = {0};
    if (p->bias)
      for (size_t i = 0; i < NR && n + i < p->N; i++) bias[i] = p->bias[output_of(p, n + i)];
    for (size_t k = 0; k < K || k == 0; k += stretch) {
      const size_t length = least(stretch, K - k);
      const size_t steps = (least(k + length, whole) - k) / 16;
      CK_(pack_panel)(panel, p, n, k, length);
      for (size_t m = m0; m < m1; m += MR) {
        const size_t rows = least(MR, m1 - m);
        const float *x = p->x + m * p->x_stride + k;
        float *at = lanes + (m - m0) * NR * 16;
        CK_(tile_of)(at, x, p->x_stride, panel, steps, k == 0, rows);
        if (k + length < K) continue;
        if (length % 16) {  // the end of K, padded
          float end[MR * 16];
          for (size_t r = 0; r < rows; r++)
            CK_(store)(end + r * 16, CK_(load_part)(x + r * p->x_stride + steps * 16, length % 16));
          CK_(tile_of)(at, end, 16, panel + steps * NR * 16, 1, 0, rows);
        }
        CK_(finish_tile)(p->y + m * p->y_stride + n, p, at, bias, n, rows);
      }
    }
  }
}

// MARK: few rows, straight from the stored weights

/// y[R, outputs 0 ..< C] where row i of W starts at element at[i].
CK_INLINE void CK_(direct)(float *sums, const struct product *p, const float *x, const size_t *at, const int type,
                           const size_t R, const size_t C) {
  const size_t K = p->K, rest = K % 16;
  v16 a[16] = {{0}};
  ck_matrix w = p->w;
  w.type = type;
  size_t k = 0;
  for (; k + 16 <= K; k += 16) {
    v16 wv[8];
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) wv[c] = CK_(elements)(&w, at[c] + k);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < R; r++) {
      const v16 xv = CK_(load)(x + r * p->x_stride + k);
#pragma clang loop unroll(full)
      for (size_t c = 0; c < C; c++) a[r * C + c] = CK_(fma16)(xv, wv[c], a[r * C + c]);
    }
  }
  if (rest) {
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) {
      const v16 wv = CK_(elements_part)(&w, at[c] + k, rest);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++)
        a[r * C + c] = CK_(fma16)(CK_(load_part)(x + r * p->x_stride + k, rest), wv, a[r * C + c]);
    }
  }
  if (R * C > 8)
    CK_(store)(sums, CK_(sum16)(a));
  else
    CK_(store)(sums, CK_(sum8)(a));
}

#define DIRECT(name, type, R, C)                                                                             \
  CK_NOINLINE void CK_(name)(float *sums, const struct product *p, const float *x, const size_t *at) {       \
    CK_(direct)(sums, p, x, at, type, R, C);                                                                 \
  }
#if CK_LEVEL == 4
#define C1 8
#define C2 4
#define C4 4
#else
#define C1 4
#define C2 2
#define C4 1
#endif
DIRECT(direct_f32_1, CK_F32, 1, C1)
DIRECT(direct_f32_2, CK_F32, 2, C2)
DIRECT(direct_f32_4, CK_F32, 4, C4)
DIRECT(direct_f16_1, CK_F16, 1, C1)
DIRECT(direct_f16_2, CK_F16, 2, C2)
DIRECT(direct_f16_4, CK_F16, 4, C4)
DIRECT(direct_bf16_1, CK_BF16, 1, C1)
DIRECT(direct_bf16_2, CK_BF16, 2, C2)
DIRECT(direct_bf16_4, CK_BF16, 4, C4)
#undef DIRECT

static void CK_(linear_direct)(struct product *p, size_t begin, size_t end) {
  typedef void kernel(float *, const struct product *, const float *, const size_t *);
  static kernel *const kernels[3][3] = {
      {CK_(direct_f32_1), CK_(direct_f32_2), CK_(direct_f32_4)},
      {CK_(direct_f16_1), CK_(direct_f16_2), CK_(direct_f16_4)},
      {CK_(direct_bf16_1), CK_(direct_bf16_2), CK_(direct_bf16_4)},
  };
  if (p->w.transposed) {  // chosen outputs of a transposed matrix: element by element
    for (size_t n = begin; n < end; n++) {
      const size_t output = output_of(p, n);
      for (size_t m = 0; m < p->M; m++) {
        v16 a = {0};
        for (size_t k = 0; k < p->K; k += 16) {
          float lanes[16] = {0};
          const size_t count = least(16, p->K - k);
          for (size_t i = 0; i < count; i++) lanes[i] = CK_(element)(&p->w, (k + i) * p->w.stride + output);
          a = CK_(fma16)(CK_(load_part)(p->x + m * p->x_stride + k, count), CK_(load)(lanes), a);
        }
        p->y[m * p->y_stride + n] = CK_(sum)(a) + (p->bias ? p->bias[output] : 0);
      }
    }
    return;
  }
  for (size_t m = 0; m < p->M;) {
    const size_t left = p->M - m, R = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    const size_t C = R == 4 ? C4 : R == 2 ? C2 : C1;
    kernel *const run = kernels[p->w.type][R == 4 ? 2 : R == 2 ? 1 : 0];
    for (size_t n = begin; n < end; n += C) {
      size_t outputs[C1], at[C1];
      for (size_t c = 0; c < C; c++) {
        outputs[c] = output_of(p, least(n + c, end - 1));
        at[c] = outputs[c] * p->w.stride;
      }
      float sums[16];
      run(sums, p, p->x + m * p->x_stride, at);
      for (size_t r = 0; r < R; r++)
        for (size_t c = 0; c < C && n + c < end; c++)
          p->y[(m + r) * p->y_stride + n + c] = sums[r * C + c] + (p->bias ? p->bias[outputs[c]] : 0);
    }
    m += R;
  }
}
#undef C1
#undef C2
#undef C4

// MARK: few rows, transposed storage

/// 16 outputs of one row from W [K, N]: accumulator j holds lane j of all 16 outputs, so nothing is transposed.
CK_INLINE void CK_(columns)(float *y, const struct product *p, const float *x, size_t n, size_t count,
                            const int type) {
  ck_matrix w = p->w;
  w.type = type;
  v16 a[16] = {{0}};
  size_t k = 0;
  for (; k + 16 <= p->K && count == 16; k += 16)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 16; j++)
      a[j] = CK_(fma16)(CK_(set)(x[k + j]), CK_(elements)(&w, (k + j) * w.stride + n), a[j]);
  for (; k < p->K; k += 16)
    for (size_t j = 0; j < 16; j++) {
      const int past = k + j >= p->K;
      a[j] = CK_(fma16)(CK_(set)(past ? 0 : x[k + j]),
                        past ? CK_(set)(0) : CK_(elements_part)(&w, (k + j) * w.stride + n, count), a[j]);
    }
#pragma clang loop unroll(full)
  for (size_t width = 8; width > 0; width /= 2)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < width; j++) a[j] = a[j] + a[j + width];
  CK_(store_part)(y, a[0] + (p->bias ? CK_(load_part)(p->bias + n, count) : CK_(set)(0)), count);
}

static void CK_(linear_columns)(struct product *p, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n += 16) {
    const size_t count = least(16, end - n);
    for (size_t m = 0; m < p->M; m++) {
      float *y = p->y + m * p->y_stride + n;
      const float *x = p->x + m * p->x_stride;
      if (p->w.type == CK_F32) CK_(columns)(y, p, x, n, count, CK_F32);
      else if (p->w.type == CK_F16) CK_(columns)(y, p, x, n, count, CK_F16);
      else CK_(columns)(y, p, x, n, count, CK_BF16);
    }
  }
}

#undef LANES
#undef PASS_NR
#undef FMA
