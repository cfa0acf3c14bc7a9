// The kernels of ck_linear_packed.c, once per instruction set.

#include "linear_elements.h"

// A register tile is MR rows of two vectors of outputs: as many accumulators as there are registers.
#if CK_LEVEL >= 4
#define LANES 16
#define MR 12
typedef v16 CK_(outputs);
#define FMA CK_(fma16)
#elif CK_LEVEL == 3
#define LANES 8
#define MR 6
typedef v8 CK_(outputs);
#define FMA CK_(fma8)
#else
#define LANES 4
#define MR 4
typedef v4 CK_(outputs);
#define FMA CK_(fma4)
#endif
#define NR (2 * LANES)
#define TILE (MR * NR)
#define BLOCK (BLOCK_ROWS / MR)
// Where lane j of tile t of x lies: a block's tiles of one lane follow one another, as they are read.
#define LANE_OF_TILE(p, t, j) ((((t) / BLOCK * 16 + (j)) * BLOCK + (t) % BLOCK) * (p)->steps * MR)
// Floats of a lane of a panel. Lanes a multiple of 4 KiB apart would push one another out of the first cache.
#define LANE_FLOATS(p) (((p)->steps + 1) * NR)

// MARK: packing

/// Rows of x as [block][lane 0 ..< 16][tile][step][MR], zeros where rows or K end. Element (row, 16 · step + lane).
static void CK_(pack_rows)(const struct packed_product *p, size_t begin, size_t end) {
  const struct product *of = p->of;
  const size_t whole = of->K / 16;
  for (size_t t = begin; t < end; t++) {
    float *tile = p->x + LANE_OF_TILE(p, t, 0);
    for (size_t r = 0; r < MR; r++) {
      const size_t m = p->m0 + t * MR + r;
      const float *from = of->x + m * of->x_stride;
      for (size_t s = 0; s < p->steps; s++) {
        const v16 v = m >= p->m1    ? CK_(set)(0)
                      : s < whole ? CK_(load)(from + s * 16)
                                  : CK_(load_part)(from + s * 16, of->K - s * 16);
        float *to = tile + s * MR + r;
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 16; j++) to[j * BLOCK * p->steps * MR] = v[j];
      }
    }
  }
}

/// Writes step s of lane j for the 16 outputs from o on of the task.
CK_INLINE void CK_(put_outputs)(float *panels, size_t lane, size_t o, size_t j, size_t s, v16 v) {
  if (NR >= 16) {
    CK_(store)(panels + (o / NR * 16 + j) * lane + s * NR + o % NR, v);
  } else {
    memcpy(panels + (o / NR * 16 + j) * lane + s * NR, &v, NR * sizeof(float));
    memcpy(panels + ((o + NR) / NR * 16 + j) * lane + s * NR, (const float *)&v + NR % 16, NR * sizeof(float));
  }
}

/// a[lane] = element k + lane of the 16 rows of W that start at at[] · stride, +0 from row `there` and element `count` on.
CK_INLINE void CK_(load_transposed)(v16 *a, const ck_matrix *w, const size_t *at, size_t there, size_t k, size_t count) {
  if (there < 16 || count < 16) {
    for (size_t i = 0; i < 16; i++)
      a[i] = i < there ? CK_(elements_part)(w, at[i] * w->stride + k, count) : CK_(set)(0);
    CK_(transpose)(a);
    return;
  }
#if CK_LEVEL >= 4
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) a[i] = CK_(elements)(w, at[i] * w->stride + k);
  CK_(transpose)(a);
#else
  // Quarters of 8 × 8, which the registers hold.
#pragma clang loop unroll(full)
  for (size_t rows = 0; rows < 16; rows += 8)
#pragma clang loop unroll(full)
    for (size_t columns = 0; columns < 16; columns += 8) {
      v8 b[8];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < 8; i++) {
        const v16 v = CK_(elements)(w, at[rows + i] * w->stride + k);
        b[i] = columns ? __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
                       : __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
      }
      CK_(transpose8)(b);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < 8; i++) memcpy((float *)&a[columns + i] + rows, &b[i], sizeof b[i]);
    }
#endif
}

/// The outputs n0 ..< n1 as panels [group of NR][lane][step][NR], zeros where outputs or K end.
static void CK_(pack_outputs)(float *panels, const struct packed_product *p, size_t n0, size_t n1) {
  const struct product *of = p->of;
  const size_t width = multiple(n1 - n0, most(NR, 16));
  for (size_t o = 0; o < width; o += 16) {
    const size_t there = n0 + o < n1 ? least(16, n1 - n0 - o) : 0;
    size_t at[16];
    for (size_t i = 0; i < there; i++) at[i] = output_of(of, n0 + o + i);
    for (size_t s = 0; s < p->steps; s++) {
      const size_t k = s * 16, count = least(16, of->K - k);
      v16 a[16];
      if (of->w.transposed) {
        CK_(stored_rows)(a, of, at, there, k);
      } else {
        CK_(load_transposed)(a, &of->w, at, there, k, count);
      }
      for (size_t j = 0; j < 16; j++) CK_(put_outputs)(panels, LANE_FLOATS(p), o, j, s, a[j]);
    }
  }
}

// MARK: tiles

/// One lane of a tile: sum[MR][NR] = Σ over steps of x[MR] · panel[NR], one chain each. The `sums` finished lanes' sums at
/// done, done + far, … are added in this order, and the tile goes to `to`.
CK_NOINLINE void CK_(lane_tile)(float *to, const float *done, size_t far, int sums, const float *x, const float *panel,
                                size_t steps) {
  CK_(outputs) sum[MR][2];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < MR; r++) sum[r][0] = (CK_(outputs)){0}, sum[r][1] = (CK_(outputs)){0};
#pragma clang loop unroll_count(2)
  for (size_t s = 0; s < steps; s++, x += MR, panel += NR) {
    CK_(outputs) w0, w1;
    memcpy(&w0, panel, sizeof w0);
    memcpy(&w1, panel + LANES, sizeof w1);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < MR; r++) {
      const CK_(outputs) xv = x[r] - (CK_(outputs)){0};
      sum[r][0] = FMA(xv, w0, sum[r][0]);
      sum[r][1] = FMA(xv, w1, sum[r][1]);
    }
  }
  for (int i = 0; i < sums; i++, done += far)
#pragma clang loop unroll(full)
    for (size_t r = 0; r < MR; r++)
#pragma clang loop unroll(full)
      for (size_t h = 0; h < 2; h++) {
        CK_(outputs) v;
        memcpy(&v, done + r * NR + h * LANES, sizeof v);
        sum[r][h] = v + sum[r][h];
      }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < MR; r++) {
    memcpy(to + r * NR, &sum[r][0], sizeof sum[r][0]);
    memcpy(to + r * NR + LANES, &sum[r][1], sizeof sum[r][1]);
  }
}

/// y[outputs] = sums + bias, outputs <= NR.
CK_INLINE void CK_(put_sums)(float *y, const float *sums, const float *bias, size_t outputs) {
  CK_(outputs) v[2], b[2];
  memcpy(v, sums, sizeof v);
  memcpy(b, bias, sizeof b);
  v[0] = v[0] + b[0], v[1] = v[1] + b[1];
  if (outputs == NR)
    memcpy(y, v, sizeof v);
  else
    memcpy(y, v, outputs * sizeof(float));
}

/// The outputs of some tasks for all rows at hand.
static void CK_(packed_outputs)(const struct packed_product *p, size_t begin, size_t end) {
  const struct product *of = p->of;
  for (size_t task = begin; task < end; task++) {
    const size_t n0 = task * p->outputs, n1 = least(of->N, n0 + p->outputs);
    const size_t groups = (n1 - n0 + NR - 1) / NR, tiles = (p->m1 - p->m0 + MR - 1) / MR;
    float *panels = ck_scratch(CK_SCRATCH_PANEL, multiple(n1 - n0, most(NR, 16)) * 16 * (p->steps + 1) * sizeof(float));
    CK_(pack_outputs)(panels, p, n0, n1);
    const size_t level = BLOCK * groups * TILE;
    float *lanes = ck_scratch(CK_SCRATCH_LANES, 5 * level * sizeof(float));
    for (size_t t0 = 0; t0 < tiles; t0 += BLOCK) {
      const size_t t1 = least(tiles, t0 + BLOCK);
      // Lanes in the order in which the tree adds them: 0, 8, 4, 12, 2, ... With lane i of this order as many sums
      // are complete as i has ones at its end; what waits at height h of the tree lies in lanes + h * level.
      for (unsigned i = 0; i < 16; i++) {
        const size_t j = (i & 1) << 3 | (i & 2) << 1 | (i & 4) >> 1 | (i & 8) >> 3;
        const int sums = __builtin_ctz(~i);
        for (size_t t = t0; t < t1; t++)
          for (size_t g = 0; g < groups; g++) {
            float *tile = lanes + ((t - t0) * groups + g) * TILE;
            CK_(lane_tile)(tile + (size_t)sums * level, tile, level, sums, p->x + LANE_OF_TILE(p, t, j),
                           panels + (g * 16 + j) * LANE_FLOATS(p), p->steps);
          }
      }
      for (size_t t = t0; t < t1; t++)
        for (size_t g = 0; g < groups; g++) {
          const float *sums = lanes + 4 * level + ((t - t0) * groups + g) * TILE;
          const size_t n = n0 + g * NR, outputs = least(NR, n1 - n);
          float bias[NR] = {0};
          for (size_t o = 0; o < outputs && of->bias; o++) bias[o] = of->bias[output_of(of, n + o)];
          const size_t m0 = p->m0 + t * MR, rows = least(MR, p->m1 - m0);
          for (size_t r = 0; r < rows; r++) {
            CK_(put_sums)(of->y + (m0 + r) * of->y_stride + n, sums + r * NR, bias, outputs);
          }
        }
    }
  }
}

#undef LANES
#undef MR
#undef FMA
#undef NR
#undef TILE
#undef BLOCK
#undef LANE_OF_TILE
#undef LANE_FLOATS
