// The kernels of ck_gemm.c, once per instruction set.

// A tile is MR rows of two vectors: as many accumulators as the registers hold.
#if CK_LEVEL >= 4
#define LANES 16
#define MR 12
typedef v16 CK_(part);
#define FMA CK_(fma16)
#elif CK_LEVEL == 3
#define LANES 8
#define MR 6
typedef v8 CK_(part);
#define FMA CK_(fma8)
#else
#define LANES 4
#define MR 4
typedef v4 CK_(part);
#define FMA CK_(fma4)
#endif
#define NR (2 * LANES)

// MARK: packing

/// Writes 16 columns of row k of the stripe, the first of them `column`, a multiple of 16.
CK_INLINE void CK_(put)(float *panels, size_t length, size_t column, size_t k, v16 v) {
  if (NR >= 16) {
    CK_(store)(panels + column / NR * NR * length + k * NR + column % NR, v);
  } else {
    memcpy(panels + column * length + k * NR, &v, NR * sizeof(float));
    memcpy(panels + (column + 8) * length + k * NR, (const float *)&v + 8, NR * sizeof(float));
  }
}

/// Packs 32 columns at a time into panels [columns / NR][k][NR], zeros where B ends.
static void CK_(gemm_pack)(const struct gemm *g, size_t begin, size_t end) {
  const size_t length = g->k1 - g->k0;
  for (size_t half = 2 * begin; half < 2 * end; half++) {
    const size_t n = g->n0 + half * 16, there = n < g->n1 ? least(16, g->n1 - n) : 0;
    if (g->b.column_stride == 1) {
      for (size_t k = 0; k < length; k++) {
        const float *from = g->b.data + (g->k0 + k) * g->b.row_stride + n;
        CK_(put)(g->panels, length, half * 16, k,
                 there == 16 ? CK_(load)(from) : there ? CK_(load_part)(from, there) : CK_(set)(0));
      }
      continue;
    }
    for (size_t k = 0; k < length; k += 16) {
      const size_t count = least(16, length - k);
      v16 a[16];
      for (size_t i = 0; i < 16; i++) {
        const float *from = g->b.data + (n + i) * g->b.column_stride + g->k0 + k;
        a[i] = i >= there ? CK_(set)(0) : count == 16 ? CK_(load)(from) : CK_(load_part)(from, count);
      }
      CK_(transpose)(a);
      for (size_t i = 0; i < count; i++) CK_(put)(g->panels, length, half * 16, k + i, a[i]);
    }
  }
}

/// Writes rows m ..< m + MR of A over `length` numbers from k on as [length][MR], zeros where A ends.
static void CK_(gemm_pack_rows)(float *to, const struct gemm *g, size_t m, size_t k, size_t length) {
  const size_t rows = least(MR, g->M - m);
  const float *from = g->a.data + m * g->a.row_stride + k * g->a.column_stride;
  if (rows == MR && g->a.row_stride == 1) {
    for (size_t i = 0; i < length; i++) memcpy(to + i * MR, from + i * g->a.column_stride, MR * sizeof(float));
    return;
  }
  for (size_t i = 0; i < length; i++)
    for (size_t r = 0; r < MR; r++)
      to[i * MR + r] = r < rows ? from[r * g->a.row_stride + i * g->a.column_stride] : 0;
}

// MARK: tiles

/// c[MR][NR] (+)= a · panel, where element (r, k) of a lies at a[r * row + k * step].
CK_INLINE void CK_(gemm_tile)(float *c, size_t c_stride, const float *a, const size_t row, const size_t step,
                              const float *panel, size_t length, int fresh) {
  CK_(part) sum[MR][2];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < MR; r++) {
    sum[r][0] = (CK_(part)){0}, sum[r][1] = (CK_(part)){0};
    if (fresh) continue;
    memcpy(&sum[r][0], c + r * c_stride, sizeof sum[r][0]);
    memcpy(&sum[r][1], c + r * c_stride + LANES, sizeof sum[r][1]);
  }
  for (size_t k = 0; k < length; k++, a += step, panel += NR) {
    CK_(part) b0, b1;
    memcpy(&b0, panel, sizeof b0);
    memcpy(&b1, panel + LANES, sizeof b1);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < MR; r++) {
      const float x = a[r * row];
      const CK_(part) xv = x - (CK_(part)){0};
      sum[r][0] = FMA(xv, b0, sum[r][0]);
      sum[r][1] = FMA(xv, b1, sum[r][1]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < MR; r++) {
    memcpy(c + r * c_stride, &sum[r][0], sizeof sum[r][0]);
    memcpy(c + r * c_stride + LANES, &sum[r][1], sizeof sum[r][1]);
  }
}

/// The tile from packed rows.
CK_NOINLINE void CK_(gemm_packed)(float *c, size_t c_stride, const float *a, const float *panel, size_t length,
                                  int fresh) {
  CK_(gemm_tile)(c, c_stride, a, 1, MR, panel, length, fresh);
}

/// The tile from rows as they lie.
CK_NOINLINE void CK_(gemm_direct)(float *c, size_t c_stride, const float *a, size_t row, const float *panel,
                                  size_t length, int fresh) {
  CK_(gemm_tile)(c, c_stride, a, row, 1, panel, length, fresh);
}

/// Rows of C for the stripe at hand, some tasks' worth.
static void CK_(gemm_rows)(const struct gemm *g, size_t begin, size_t end) {
  const size_t length = g->k1 - g->k0, block = length == 0 ? 0 : part_of(length, BLOCK_K);
  // Rows a multiple of 1 KiB apart share a few sets of the first cache and push one another out: those are packed.
  const int direct = g->a.column_stride == 1 && g->a.row_stride % 256 != 0;
  for (size_t task = begin; task < end; task++) {
    const size_t m0 = task * g->rows_per_task, m1 = least(g->M, m0 + g->rows_per_task);
    const size_t tiles = (m1 - m0 + MR - 1) / MR, whole = direct ? (m1 - m0) / MR : 0;
    float *packed = ck_scratch(CK_SCRATCH_BLOCK, (tiles * MR * (block + 1) + MR * NR) * sizeof(float));
    float *edge = packed + tiles * MR * (block + 1);
    for (size_t k = 0; k < length || k == 0; k += block) {
      const size_t count = least(block, length - k);
      const int fresh = g->k0 + k == 0 && !g->accumulates;
      for (size_t t = whole; t < tiles; t++)
        CK_(gemm_pack_rows)(packed + t * MR * count, g, m0 + t * MR, g->k0 + k, count);
      for (size_t n = g->n0; n < g->n1; n += NR) {
        const float *panel = g->panels + (n - g->n0) * length + k * NR;
        for (size_t t = 0; t < tiles; t++) {
          const size_t m = m0 + t * MR, rows = least(MR, m1 - m), columns = least(NR, g->n1 - n);
          float *c = g->c + m * g->c_stride + n, *to = c;
          size_t stride = g->c_stride;
          const int isEdge = rows < MR || columns < NR;
          if (isEdge) {
            to = edge, stride = NR;
            if (!fresh)
              for (size_t r = 0; r < rows; r++) memcpy(edge + r * NR, c + r * g->c_stride, columns * sizeof(float));
          }
          if (t < whole)
            CK_(gemm_direct)(to, stride, g->a.data + m * g->a.row_stride + g->k0 + k, g->a.row_stride, panel, count,
                             fresh);
          else
            CK_(gemm_packed)(to, stride, packed + t * MR * count, panel, count, fresh);
          if (isEdge)
            for (size_t r = 0; r < rows; r++) memcpy(c + r * g->c_stride, edge + r * NR, columns * sizeof(float));
        }
      }
      if (length == 0) break;
    }
  }
}

#undef LANES
#undef MR
#undef NR
#undef FMA
