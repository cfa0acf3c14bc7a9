// The kernels of ck_linear_tiled.c, once per instruction set.

#include "linear_elements.h"

// A register tile is ROWS rows of x by OUTPUTS outputs, of each of which it holds LANES of the contract's 16 lanes: as
// many accumulators as registers hold beside the rows' numbers. A tile is gone through in PARTS parts of lanes.
#if CK_LEVEL >= 4
#define LANES 16
#define ROWS 6
typedef v16 CK_(lanes);
#define FMA CK_(fma16)
#elif CK_LEVEL == 3
#define LANES 8
#define ROWS 3
typedef v8 CK_(lanes);
#define FMA CK_(fma8)
#else
#define LANES 4
#define ROWS 3
typedef v4 CK_(lanes);
#define FMA CK_(fma4)
#endif
#define PARTS (16 / LANES)
#define TILE (ROWS * OUTPUTS * LANES)
// Floats of a part of a tile of x, and of a part of a panel of weights.
#define X_PART(p) ((p)->steps * ROWS * LANES)
#define PANEL_PART(p) ((p)->steps * OUTPUTS * LANES)

CK_INLINE CK_(lanes) CK_(load_lanes)(const float *p) {
  CK_(lanes) v;
  memcpy(&v, p, sizeof v);
  return v;
}

// MARK: packing

/// Writes 16 numbers to their parts, `part` floats apart.
CK_INLINE void CK_(put_parts)(float *to, size_t part, v16 v) {
  CK_(lanes) parts[PARTS];
  memcpy(parts, &v, sizeof parts);
#pragma clang loop unroll(full)
  for (size_t h = 0; h < PARTS; h++) memcpy(to + h * part, &parts[h], sizeof parts[h]);
}

/// Rows of x as [block][part of the lanes][tile][step][ROWS][LANES], zeros where rows or K end.
static void CK_(tile_rows)(const struct tiled_product *p, size_t begin, size_t end) {
  const struct product *of = p->of;
  const size_t whole = of->K / 16, part = p->tiles * X_PART(p);
  for (size_t t = begin; t < end; t++)
    for (size_t r = 0; r < ROWS; r++) {
      float *to = p->x + t / p->tiles * PARTS * part + t % p->tiles * X_PART(p) + r * LANES;
      const size_t m = p->m0 + t * ROWS + r;
      const float *from = of->x + m * of->x_stride;
      for (size_t s = 0; s < p->steps; s++, to += ROWS * LANES)
        CK_(put_parts)(to, part, m >= p->m1    ? CK_(set)(0)
                                 : s < whole ? CK_(load)(from + s * 16)
                                             : CK_(load_part)(from + s * 16, of->K - s * 16));
    }
}

/// One panel of rows of W that lie as stored, the outputs n ..< n + OUTPUTS, of which `there` are there.
CK_INLINE void CK_(tile_panel)(float *to, const struct tiled_product *p, size_t n, size_t there, const int type) {
  const struct product *of = p->of;
  const size_t whole = of->K / 16, part = PANEL_PART(p);
  ck_matrix w = of->w;
  w.type = type;
  size_t at[OUTPUTS];
  for (size_t o = 0; o < OUTPUTS; o++) at[o] = output_of(of, n + least(o, there - 1)) * w.stride;
  for (size_t s = 0; s < p->steps; s++, to += OUTPUTS * LANES)
#pragma clang loop unroll(full)
    for (size_t o = 0; o < OUTPUTS; o++)
      CK_(put_parts)(to + o * LANES, part, s < whole ? CK_(elements)(&w, at[o] + s * 16)
                                                     : CK_(elements_part)(&w, at[o] + s * 16, of->K - s * 16));
}

/// The outputs n0 ..< n1 as panels [panel][part of the lanes][step][OUTPUTS][LANES], zeros where K ends. Past the last
/// output of a panel stands that output again: what comes of it is not written.
static void CK_(tile_outputs)(float *panels, const struct tiled_product *p, size_t n0, size_t n1) {
  const struct product *of = p->of;
  const size_t part = PANEL_PART(p);
  for (size_t n = n0; n < n1 && !of->w.transposed; n += OUTPUTS, panels += PARTS * part) {
    const size_t there = least(OUTPUTS, n1 - n);
    if (of->w.type == CK_F32) CK_(tile_panel)(panels, p, n, there, CK_F32);
    else if (of->w.type == CK_F16) CK_(tile_panel)(panels, p, n, there, CK_F16);
    else CK_(tile_panel)(panels, p, n, there, CK_BF16);
  }
  for (size_t o = 0; o < n1 - n0 && of->w.transposed; o += 16) {
    const size_t there = least(16, n1 - n0 - o);
    size_t at[16];
    for (size_t i = 0; i < there; i++) at[i] = output_of(of, n0 + o + i);
    for (size_t s = 0; s < p->steps; s++) {
      v16 a[16];
      CK_(stored_rows)(a, of, at, there, s * 16);
      CK_(transpose)(a);
      for (size_t i = 0; i < 16; i++)
        CK_(put_parts)(panels + (o + i) / OUTPUTS * PARTS * part + (s * OUTPUTS + i % OUTPUTS) * LANES, part, a[i]);
    }
  }
}

// MARK: tiles

#define EACH_ACCUMULATOR                 \
  _Pragma("clang loop unroll(full)")     \
  for (size_t o = 0; o < OUTPUTS; o++)   \
    _Pragma("clang loop unroll(full)")   \
    for (size_t r = 0; r < ROWS; r++)

/// a[OUTPUTS][ROWS] = Σ over steps of panel[OUTPUTS] · x[ROWS], lane by lane, one chain each.
CK_INLINE void CK_(multiply)(CK_(lanes) a[OUTPUTS][ROWS], const float *x, const float *panel, size_t steps) {
  EACH_ACCUMULATOR a[o][r] = (CK_(lanes)){0};
#pragma clang loop unroll_count(2)
  for (size_t s = 0; s < steps; s++, x += ROWS * LANES, panel += OUTPUTS * LANES) {
    CK_(lanes) xv[ROWS];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < ROWS; r++) xv[r] = CK_(load_lanes)(x + r * LANES);
#pragma clang loop unroll(full)
    for (size_t o = 0; o < OUTPUTS; o++) {
      const CK_(lanes) wv = CK_(load_lanes)(panel + o * LANES);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < ROWS; r++) a[o][r] = FMA(xv[r], wv, a[o][r]);
    }
  }
}

/// One part of a tile's lanes, which goes to `to`.
CK_INLINE void CK_(tile_part)(float *to, const float *x, const float *panel, size_t steps) {
  CK_(lanes) a[OUTPUTS][ROWS];
  CK_(multiply)(a, x, panel, steps);
  EACH_ACCUMULATOR memcpy(to + (o * ROWS + r) * LANES, &a[o][r], sizeof a[o][r]);
}

#if CK_LEVEL == 3
// The tree's steps on 8 lanes: lane j + lane j+4, then + j+2, then + j+1.
CK_INLINE v8 CK_(fold_quads)(v8 a, v8 b) {  // [4 of a | 4 of b]
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 12, 13, 14, 15) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 8, 9, 10, 11);
}
CK_INLINE v8 CK_(fold_halves)(v8 p, v8 q) {  // of both halves: [2 of p, 2 of q]
  return __builtin_shufflevector(p, q, 0, 1, 10, 11, 4, 5, 14, 15) +
         __builtin_shufflevector(p, q, 2, 3, 8, 9, 6, 7, 12, 13);
}
CK_INLINE v8 CK_(fold_pairs)(v8 p, v8 q) {  // of both halves: [2 sums of p, 2 of q]
  return __builtin_shufflevector(p, q, 0, 2, 8, 10, 4, 6, 12, 14) +
         __builtin_shufflevector(p, q, 1, 3, 9, 11, 5, 7, 13, 15);
}
#endif

/// The last part of a tile's lanes. The parts before it, which lie at `parts` TILE apart, and its own lanes are added
/// in the order of the contract's tree, then the bias, and y[ROWS, OUTPUTS] is written.
CK_INLINE void CK_(tile_end)(float *y, size_t y_stride, const float *parts, const float *x, const float *panel,
                             size_t steps, const float *bias) {
  CK_(lanes) a[OUTPUTS][ROWS];
  CK_(multiply)(a, x, panel, steps);
  v4 b;
  memcpy(&b, bias, sizeof b);
#if CK_LEVEL >= 4
  v16 rows[ROWS * OUTPUTS];
  EACH_ACCUMULATOR rows[r * OUTPUTS + o] = a[o][r];
  float sums[ROWS * OUTPUTS + 8];
  CK_(store)(sums, CK_(sum16)(rows));
  CK_(store)(sums + 16, CK_(sum8)(rows + 16));
#pragma clang loop unroll(full)
  for (size_t r = 0; r < ROWS; r++) {
    v4 v;
    memcpy(&v, sums + r * OUTPUTS, sizeof v);
    v = v + b;
    memcpy(y + r * y_stride, &v, sizeof v);
  }
#elif CK_LEVEL == 3
  EACH_ACCUMULATOR a[o][r] = CK_(load_lanes)(parts + (o * ROWS + r) * LANES) + a[o][r];
  const v8 p = CK_(fold_halves)(CK_(fold_quads)(a[0][0], a[0][1]), CK_(fold_quads)(a[1][0], a[1][1]));
  const v8 q = CK_(fold_halves)(CK_(fold_quads)(a[2][0], a[2][1]), CK_(fold_quads)(a[3][0], a[3][1]));
  const v8 v = CK_(fold_pairs)(p, q) + __builtin_shufflevector(b, b, 0, 1, 2, 3, 0, 1, 2, 3);
  memcpy(y, &v, sizeof b);
  const v4 second = __builtin_shufflevector(v, v, 4, 5, 6, 7);
  memcpy(y + y_stride, &second, sizeof second);
  const v8 s = CK_(fold_halves)(CK_(fold_quads)(a[0][2], a[2][2]), CK_(fold_quads)(a[1][2], a[3][2]));
  // The pairs of outputs 0 and 1, then of 2 and 3.
  const v4 low = __builtin_shufflevector(s, s, 0, 1, 2, 3), high = __builtin_shufflevector(s, s, 4, 5, 6, 7);
  const v4 third =
      __builtin_shufflevector(low, high, 0, 2, 4, 6) + __builtin_shufflevector(low, high, 1, 3, 5, 7) + b;
  memcpy(y + 2 * y_stride, &third, sizeof third);
#else
  v4 c[OUTPUTS][ROWS];
  EACH_ACCUMULATOR {
    const float *at = parts + (o * ROWS + r) * LANES;
    c[o][r] = (CK_(load_lanes)(at) + CK_(load_lanes)(at + 2 * TILE)) + (CK_(load_lanes)(at + TILE) + a[o][r]);
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < ROWS; r++) {
    v4 two[2];  // [2 sums of output i, 2 of output i + 2]
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 2; i++)
      two[i] = __builtin_shufflevector(c[i][r], c[i + 2][r], 0, 1, 4, 5) +
               __builtin_shufflevector(c[i][r], c[i + 2][r], 2, 3, 6, 7);
    const v4 v =
        __builtin_shufflevector(two[0], two[1], 0, 4, 2, 6) + __builtin_shufflevector(two[0], two[1], 1, 5, 3, 7) + b;
    memcpy(y + r * y_stride, &v, sizeof v);
  }
#endif
}

/// Part h of a tile of x against the panels g0 ..< g1 of the outputs from n0 on; with the last part the outputs of the
/// rows from m on are written.
CK_NOINLINE void CK_(tile_row)(const struct tiled_product *p, size_t h, size_t m, size_t n0, size_t g0, size_t g1,
                               float *sums, const float *x, const float *panel, const float *bias) {
  const struct product *of = p->of;
  const size_t rows = p->m1 - m;
  for (size_t g = g0; g < g1; g++, sums += PARTS * TILE, panel += PARTS * PANEL_PART(p)) {
    if (h + 1 < PARTS) {
      CK_(tile_part)(sums + h * TILE, x, panel, p->steps);
      continue;
    }
    const size_t n = n0 + g * OUTPUTS, outputs = of->N - n;
    const int whole = rows >= ROWS && outputs >= OUTPUTS;
    float cut[ROWS * OUTPUTS], *y = of->y + m * of->y_stride + n;
    CK_(tile_end)(whole ? y : cut, whole ? of->y_stride : OUTPUTS, sums, x, panel, p->steps, bias + g * OUTPUTS);
    for (size_t r = 0; r < ROWS && r < rows && !whole; r++)
      memcpy(y + r * of->y_stride, cut + r * OUTPUTS, least(OUTPUTS, outputs) * sizeof(float));
  }
}

/// Some tasks: some outputs of some rows.
static void CK_(tiled_part)(const struct tiled_product *p, size_t begin, size_t end) {
  const struct product *of = p->of;
  const size_t tiles = (p->m1 - p->m0 + ROWS - 1) / ROWS;
  for (size_t task = begin; task < end; task++) {
    const size_t n0 = task % p->columns * p->outputs, n1 = least(of->N, n0 + p->outputs);
    const size_t first = task / p->columns * p->blocks * p->tiles, last = least(tiles, first + p->blocks * p->tiles);
    const size_t width = multiple(n1 - n0, 16), groups = (n1 - n0 + OUTPUTS - 1) / OUTPUTS;
    float *panels = ck_scratch(CK_SCRATCH_PANEL, (width * 16 * p->steps + width) * sizeof(float));
    float *bias = panels + width * 16 * p->steps;
    for (size_t o = 0; o < width; o++) bias[o] = of->bias && o < n1 - n0 ? of->bias[output_of(of, n0 + o)] : 0;
    CK_(tile_outputs)(panels, p, n0, n1);
    float *sums = ck_scratch(CK_SCRATCH_LANES, p->tiles * p->panels * PARTS * TILE * sizeof(float));
    const float *x = p->x + first * PARTS * X_PART(p);
    for (size_t t0 = first; t0 < last; t0 += p->tiles, x += p->tiles * PARTS * X_PART(p))
      for (size_t g0 = 0; g0 < groups; g0 += p->panels)
        for (size_t h = 0; h < PARTS; h++)
          for (size_t t = 0; t < p->tiles && t0 + t < last; t++)
            CK_(tile_row)(p, h, p->m0 + (t0 + t) * ROWS, n0, g0, least(groups, g0 + p->panels),
                          sums + t * p->panels * PARTS * TILE, x + (h * p->tiles + t) * X_PART(p),
                          panels + (g0 * PARTS + h) * PANEL_PART(p), bias);
  }
}

#undef LANES
#undef ROWS
#undef FMA
#undef PARTS
#undef TILE
#undef X_PART
#undef PANEL_PART
#undef EACH_ACCUMULATOR
