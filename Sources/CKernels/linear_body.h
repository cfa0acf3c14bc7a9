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
    const size_t at = (output_of(p, n + r) - p->first) * p->w.stride + k;
    for (size_t s = 0; s < whole; s++) CK_(store)(to + s * NR * 16, CK_(elements)(&p->w, at + s * 16));
    if (rest) CK_(store)(to + whole * NR * 16, CK_(elements_part)(&p->w, at + whole * 16, rest));
  }
}

/// Asks for the stored bytes of the outputs n ..< n + NR over k ..< k + length, part `part` of `parts`.
CK_INLINE void CK_(prefetch_panel)(const struct product *p, size_t n, size_t k, size_t length, size_t part,
                                   size_t parts) {
  if (n >= p->N) return;
  const size_t size = p->w.type == CK_F32 ? 4 : 2;
  const size_t lines = (length * size + 63) / 64, all = lines * NR;
  for (size_t i = all * part / parts; i < all * (part + 1) / parts; i++) {
    const size_t row = i / lines, line = i % lines;
    if (n + row >= p->N) return;
    const char *at = (const char *)p->w.data + ((output_of(p, n + row) - p->first) * p->w.stride + k) * size;
    __builtin_prefetch(at + line * 64, 0, 2);
  }
}

/// One step: a += x[R] · panel[PASS_NR], the lanes LANES of each.
CK_INLINE void CK_(step)(CK_(lanes) a[MR][PASS_NR], const float *x, size_t x_stride, const float *panel,
                         const size_t R) {
  // Sixteen registers hold 12 accumulators, the outputs' lanes and one row's; with more of them rows are held instead.
#if CK_LEVEL == 4
  CK_(lanes) xv[MR];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) xv[r] = CK_(load_lanes)(x + r * x_stride);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < PASS_NR; i++) {
    const CK_(lanes) wv = CK_(load_lanes)(panel + i * 16);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < R; r++) a[r][i] = FMA(xv[r], wv, a[r][i]);
  }
#else
  CK_(lanes) wv[PASS_NR];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < PASS_NR; i++) wv[i] = CK_(load_lanes)(panel + i * 16);
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) {
    const CK_(lanes) xv = CK_(load_lanes)(x + r * x_stride);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < PASS_NR; i++) a[r][i] = FMA(xv, wv[i], a[r][i]);
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
#if CK_LEVEL == 4
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

/// y[m0 ..< m1, n0 ..< n1], a panel of outputs at a time.
static void CK_(packed_block)(const struct product *p, size_t m0, size_t m1, size_t n0, size_t n1) {
  const size_t K = p->K;
  const size_t stretches = K == 0 ? 1 : (K + PANEL_K - 1) / PANEL_K;
  const size_t stretch = K == 0 ? 16 : multiple((K + stretches - 1) / stretches, 16);
  const size_t tiles = (m1 - m0 + MR - 1) / MR;
  float *panel = ck_scratch(CK_SCRATCH_PANEL, (stretch + 16) * NR * sizeof(float));
  float *lanes = ck_scratch(CK_SCRATCH_LANES, tiles * MR * NR * 16 * sizeof(float));
  for (size_t n = n0; n < n1; n += NR) {
    float bias[8] = {0};
    if (p->bias)
      for (size_t i = 0; i < NR && n + i < n1; i++) bias[i] = p->bias[output_of(p, n + i) - p->first];
    for (size_t k = 0; k < K || k == 0; k += stretch) {
      const size_t length = least(stretch, K - k), steps = length / 16;
      CK_(pack_panel)(panel, p, n, k, length);
      // The panel that follows comes into the caches while this one is used.
      const int last = k + length >= K;
      const size_t next_n = last ? n + NR : n, next_k = last ? 0 : k + length;
      const size_t next_length = least(stretch, K - next_k);
      for (size_t m = m0; m < m1; m += MR) {
        const size_t rows = least(MR, m1 - m);
        const float *x = p->x + m * p->x_stride + k;
        if (next_n < n1) CK_(prefetch_panel)(p, next_n, next_k, next_length, (m - m0) / MR, tiles);
        float end[MR * 16], sums[MR * NR + 8];
        const size_t rest = length - steps * 16;  // the end of K, padded
        for (size_t r = 0; r < rows && rest > 0; r++)
          CK_(store)(end + r * 16, CK_(load_part)(x + r * p->x_stride + steps * 16, rest));
        // While the panel is the only one of its outputs, the tile's lanes need no memory of their own.
        float *at = lanes + (stretches == 1 ? 0 : (m - m0) * NR * 16);
        CK_(tile_of)(last ? sums : NULL, at, x, p->x_stride, panel, steps, rest > 0 ? end : NULL, k == 0, rows);
        if (last) CK_(put_tile)(p->y + m * p->y_stride + n, p->y_stride, sums, bias, rows, least(NR, n1 - n));
      }
    }
  }
}

/// Rows n0 ..< n1 of the logical W, stored transposed, as f32 rows `stride` floats apart.
CK_NOINLINE void CK_(unpack_columns)(float *rows, size_t stride, const struct product *p, size_t n0, size_t n1) {
  for (size_t k = 0; k < p->K; k += 16) {
    const size_t count = least(16, p->K - k);
    for (size_t n = n0; n < n1; n += 16) {
      const size_t outputs = least(16, n1 - n);
      v16 a[16];
      for (size_t i = 0; i < 16; i++) {
        const size_t at = (k + i) * p->w.stride;
        if (i >= count) {
          a[i] = (v16){0};
        } else if (p->selected) {
          float lanes[16] = {0};
          for (size_t j = 0; j < outputs; j++) lanes[j] = CK_(element)(&p->w, at + output_of(p, n + j));
          a[i] = CK_(load)(lanes);
        } else {
          a[i] = outputs == 16 ? CK_(elements)(&p->w, at + n) : CK_(elements_part)(&p->w, at + n, outputs);
        }
      }
      CK_(transpose)(a);
      for (size_t i = 0; i < outputs; i++) CK_(store)(rows + (n - n0 + i) * stride + k, a[i]);
    }
  }
}

static void CK_(linear_packed)(const struct product *p, size_t task) {
  const size_t n0 = task % p->tasks_per_block * p->outputs_per_task;
  const size_t n1 = least(p->N, n0 + p->outputs_per_task);
  if (!p->w.transposed) {
    const size_t m0 = task / p->tasks_per_block * p->rows_per_block;
    CK_(packed_block)(p, m0, least(p->M, m0 + p->rows_per_block), n0, n1);
    return;
  }
  // Stored transposed: the task's outputs are turned into rows once and used for all rows of x.
  const size_t stride = multiple(p->K, 16) + 16;
  float *rows = ck_scratch(CK_SCRATCH_ROWS, (n1 - n0) * stride * sizeof(float));
  CK_(unpack_columns)(rows, stride, p, n0, n1);
  float bias[MOST_OUTPUTS];
  for (size_t n = n0; n < n1; n++) bias[n - n0] = p->bias ? p->bias[output_of(p, n)] : 0;
  struct product part = *p;
  part.w = (ck_matrix){rows, stride, CK_F32, 0};
  part.first = n0;
  part.selected = NULL;
  part.bias = p->bias ? bias : NULL;
  for (size_t m = 0; m < p->M; m += p->rows_per_block)
    CK_(packed_block)(&part, m, least(p->M, m + p->rows_per_block), n0, n1);
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

#if CK_LEVEL == 4
#define DIRECT_R 4
#define DIRECT_C 4
#define DIRECT_C1 8
#else
#define DIRECT_R 2
#define DIRECT_C 2
#define DIRECT_C1 4
#endif

typedef void CK_(direct_kernel)(float *, const struct product *, const float *, const size_t *);

#define DIRECT(name, type, R, C)                                                                             \
  CK_NOINLINE void CK_(name)(float *sums, const struct product *p, const float *x, const size_t *at) {       \
    CK_(direct)(sums, p, x, at, type, R, C);                                                                 \
  }
#define DIRECTS(name, type)                   \
  DIRECT(name##_single, type, 1, DIRECT_C1)   \
  DIRECT(name##_1, type, 1, DIRECT_C)         \
  DIRECT(name##_2, type, 2, DIRECT_C)         \
  DIRECT(name##_3, type, DIRECT_R - 1, DIRECT_C) \
  DIRECT(name##_4, type, DIRECT_R, DIRECT_C)
DIRECTS(direct_f32, CK_F32)
DIRECTS(direct_f16, CK_F16)
DIRECTS(direct_bf16, CK_BF16)
#undef DIRECTS
#undef DIRECT

/// Chosen outputs of a transposed matrix, element by element.
static void CK_(linear_scattered)(struct product *p, size_t begin, size_t end) {
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
}

static void CK_(linear_direct)(struct product *p, size_t begin, size_t end) {
  // By type, then by rows: a single row, then 1 ... 4.
  static CK_(direct_kernel) *const kernels[3][5] = {
#define ROW(name) {CK_(name##_single), CK_(name##_1), CK_(name##_2), CK_(name##_3), CK_(name##_4)}
      ROW(direct_f32), ROW(direct_f16), ROW(direct_bf16)
#undef ROW
  };
  const size_t C = p->M == 1 ? DIRECT_C1 : DIRECT_C;
  for (size_t n = begin; n < end; n += C) {
    size_t outputs[DIRECT_C1], at[DIRECT_C1];
    float bias[DIRECT_C1];
    for (size_t c = 0; c < C; c++) {
      outputs[c] = output_of(p, least(n + c, end - 1));
      at[c] = outputs[c] * p->w.stride;
      bias[c] = p->bias ? p->bias[outputs[c]] : 0;
    }
    for (size_t m = 0; m < p->M;) {
      const size_t R = least(DIRECT_R, p->M - m);
      float sums[16];
      kernels[p->w.type][p->M == 1 ? 0 : R](sums, p, p->x + m * p->x_stride, at);
      for (size_t r = 0; r < R; r++)
        for (size_t c = 0; c < C && n + c < end; c++) p->y[(m + r) * p->y_stride + n + c] = sums[r * C + c] + bias[c];
      m += R;
    }
  }
}
#undef DIRECT_R
#undef DIRECT_C
#undef DIRECT_C1

// MARK: few rows, transposed storage

/// Outputs begin ..< end of up to 4 rows from W [K, N]. Lane j of output n is lanes[m][j][n - begin], so that nothing is
/// transposed: every stored row is read once, from left to right.
CK_INLINE void CK_(columns)(const struct product *p, size_t begin, size_t end, const int type) {
  const size_t width = multiple(end - begin, 16), whole = (end - begin) / 16 * 16;
  float *lanes = ck_scratch(CK_SCRATCH_LANES, p->M * 16 * width * sizeof(float));
  memset(lanes, 0, p->M * 16 * width * sizeof(float));
  ck_matrix w = p->w;
  w.type = type;
  for (size_t k = 0; k < multiple(p->K, 16); k++) {
    const int past = k >= p->K;
    for (size_t i = 0; i < width; i += 16) {
      const size_t at = k * w.stride + begin + i;
      const v16 wv = past ? (v16){0} : i < whole ? CK_(elements)(&w, at) : CK_(elements_part)(&w, at, end - begin - i);
      for (size_t m = 0; m < p->M; m++) {
        float *a = lanes + (m * 16 + k % 16) * width + i;
        CK_(store)(a, CK_(fma16)(CK_(set)(past ? 0 : p->x[m * p->x_stride + k]), wv, CK_(load)(a)));
      }
    }
  }
  for (size_t m = 0; m < p->M; m++)
    for (size_t i = 0; i < width; i += 16) {
      const size_t count = least(16, end - begin - i);
      v16 a[16];
      for (size_t j = 0; j < 16; j++) a[j] = CK_(load)(lanes + (m * 16 + j) * width + i);
      for (size_t step = 8; step > 0; step /= 2)
        for (size_t j = 0; j < step; j++) a[j] = a[j] + a[j + step];
      const v16 bias = p->bias ? CK_(load_part)(p->bias + begin + i, count) : (v16){0};
      CK_(store_part)(p->y + m * p->y_stride + begin + i, a[0] + bias, count);
    }
}

static void CK_(linear_columns)(const struct product *p, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n += 256) {
    const size_t most = least(end, n + 256);
    if (p->w.type == CK_F32) CK_(columns)(p, n, most, CK_F32);
    else if (p->w.type == CK_F16) CK_(columns)(p, n, most, CK_F16);
    else CK_(columns)(p, n, most, CK_BF16);
  }
}

#undef LANES
#undef PASS_NR
#undef FMA
