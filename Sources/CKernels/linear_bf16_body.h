// The kernels of ck_linear_bf16.c, once per instruction set.
//
// Rounded rows of x and packed panels are steps of 16 lanes of four bytes, PAIR_STEPS of them for 32 inputs; only the
// multiply-add of a step, `dot`, tells the instruction sets apart.

#include "bf16_pairs.h"

#if CK_LEVEL >= 4
#define MULTIPLY_ADD CK_(dot16)
#elif CK_LEVEL == 3
#define MULTIPLY_ADD CK_(dot8)
#else
#define MULTIPLY_ADD CK_(dot4)
#endif
#include "linear_tile_body.h"

/// Steps of a row of K inputs.
static size_t CK_(bf16_steps)(size_t K) { return multiple(K, 32) / 32 * PAIR_STEPS; }

// MARK: rounding of x

/// 32 numbers rounded, as pairs.
CK_INLINE u16 CK_(round_pairs)(v16 low, v16 high) {
  const h16 numbers[2] = {CK_(narrow_bf16)(low), CK_(narrow_bf16)(high)};
  u16 pairs;
  memcpy(&pairs, numbers, sizeof pairs);
  return pairs;
}

static void CK_(round_rows)(struct rounding *p, size_t begin, size_t end) {
  for (size_t m = begin; m < end; m++) {
    const float *x = p->x + m * p->x_stride;
    float *to = p->to + m * p->to_stride;
    for (size_t k = 0; k < p->K; k += 32) {
      const size_t rest = p->K - k;
      const v16 low = rest >= 16 ? CK_(load)(x + k) : CK_(load_part)(x + k, rest);
      const v16 high = rest >= 32 ? CK_(load)(x + k + 16)
                                  : CK_(load_part)(x + k + 16, rest > 16 ? rest - 16 : 0);
      const u16 pairs = CK_(round_pairs)(low, high);
      for (int part = 0; part < PAIR_STEPS; part++, to += 16) CK_(store)(to, CK_(pair_step)(pairs, part));
    }
  }
}

// MARK: packed panels, for many rows

/// Writes the outputs n ..< n + NR over k ..< k + length as panel [steps][NR][16], zeros where W ends; k is a multiple
/// of 32.
CK_NOINLINE void CK_(pack_panel)(float *panel, const struct bf16_product *p, size_t n, size_t k, size_t length) {
  const size_t whole = length / 32, rest = length % 32;
  for (size_t r = 0; r < NR; r++) {
    float *to = panel + r * 16;
    if (n + r >= p->of.N) {
      for (size_t s = 0; s < CK_(bf16_steps)(length); s++) CK_(store)(to + s * NR * 16, CK_(set)(0));
      continue;
    }
    const uint16_t *from = (const uint16_t *)p->of.w.data + (output_of(&p->of, n + r) - p->first) * p->of.w.stride + k;
    for (size_t s = 0; s < whole + (rest > 0); s++) {
      const u16 pairs = s < whole ? CK_(load_pairs)(from + s * 32) : CK_(load_pairs_part)(from + s * 32, rest);
      for (int part = 0; part < PAIR_STEPS; part++, to += NR * 16) CK_(store)(to, CK_(pair_step)(pairs, part));
    }
  }
}

/// y[m0 ..< m1, n0 ..< n1], a panel of outputs at a time.
static void CK_(packed_block)(const struct bf16_product *p, size_t m0, size_t m1, size_t n0, size_t n1) {
  const size_t K = p->of.K, longest = PANEL_STEPS / PAIR_STEPS * 32;
  const size_t stretches = K == 0 ? 1 : (K + longest - 1) / longest;
  const size_t stretch = K == 0 ? 32 : multiple((K + stretches - 1) / stretches, 32);
  const size_t tiles = (m1 - m0 + MR - 1) / MR;
  float *panel = ck_scratch(CK_SCRATCH_PANEL, CK_(bf16_steps)(stretch) * NR * 16 * sizeof(float));
  float *lanes = ck_scratch(CK_SCRATCH_LANES, tiles * MR * NR * 16 * sizeof(float));
  for (size_t n = n0; n < n1; n += NR) {
    float bias[8] = {0};
    if (p->of.bias)
      for (size_t i = 0; i < NR && n + i < n1; i++) bias[i] = p->of.bias[output_of(&p->of, n + i) - p->first];
    for (size_t k = 0; k < K || k == 0; k += stretch) {
      const size_t length = least(stretch, K - k);
      CK_(pack_panel)(panel, p, n, k, length);
      // The panel that follows comes into the caches while this one is used.
      const int last = k + length >= K;
      const size_t next_n = last ? n + NR : n, next_k = last ? 0 : k + length;
      const size_t next_length = least(stretch, K - next_k);
      for (size_t m = m0; m < m1; m += MR) {
        const size_t rows = least(MR, m1 - m);
        const float *x = p->of.x + m * p->of.x_stride + CK_(bf16_steps)(k) * 16;
        if (next_n < n1) CK_(prefetch_panel)(p, next_n, next_k, next_length, (m - m0) / MR, tiles);
        float sums[MR * NR + 8];
        // While the panel is the only one of its outputs, the tile's lanes need no memory of their own.
        float *at = lanes + (stretches == 1 ? 0 : (m - m0) * NR * 16);
        CK_(tile_of)(last ? sums : NULL, at, x, p->of.x_stride, panel, CK_(bf16_steps)(length), NULL, k == 0, rows);
        if (last) CK_(put_tile)(p->of.y + m * p->of.y_stride + n, p->of.y_stride, sums, bias, rows, least(NR, n1 - n));
      }
    }
  }
}

/// Rows n0 ..< n1 of the logical W, stored transposed, as bf16 rows `stride` numbers apart.
CK_NOINLINE void CK_(unpack_columns)(uint16_t *rows, size_t stride, const struct bf16_product *p, size_t n0, size_t n1) {
  for (size_t k = 0; k < p->of.K; k += 16) {
    const size_t count = least(16, p->of.K - k);
    for (size_t n = n0; n < n1; n += 16) {
      const size_t outputs = least(16, n1 - n);
      v16 a[16];
      for (size_t i = 0; i < 16; i++) {
        uint16_t numbers[16] = {0};
        if (i < count) {
          const uint16_t *from = (const uint16_t *)p->of.w.data + (k + i) * p->of.w.stride;
          for (size_t j = 0; j < outputs; j++) numbers[j] = from[output_of(&p->of, n + j)];
        }
        a[i] = CK_(widen_bf16)(numbers);
      }
      CK_(transpose)(a);
      for (size_t i = 0; i < outputs; i++) {
        const h16 row = __builtin_convertvector((u16)a[i] >> 16, h16);
        memcpy(rows + (n - n0 + i) * stride + k, &row, sizeof row);
      }
    }
  }
}

static void CK_(bf16_packed)(const struct bf16_product *p, size_t task) {
  const size_t n0 = task % p->tasks_per_block * p->outputs_per_task;
  const size_t n1 = least(p->of.N, n0 + p->outputs_per_task);
  if (!p->of.w.transposed) {
    const size_t m0 = task / p->tasks_per_block * p->rows_per_block;
    CK_(packed_block)(p, m0, least(p->of.M, m0 + p->rows_per_block), n0, n1);
    return;
  }
  // Stored transposed: the task's outputs are turned into rows once and used for all rows of x.
  const size_t stride = multiple(p->of.K, 32) + 32;
  uint16_t *rows = ck_scratch(CK_SCRATCH_ROWS, (n1 - n0) * stride * sizeof(uint16_t));
  CK_(unpack_columns)(rows, stride, p, n0, n1);
  float bias[MOST_OUTPUTS];
  for (size_t n = n0; n < n1; n++) bias[n - n0] = p->of.bias ? p->of.bias[output_of(&p->of, n)] : 0;
  struct bf16_product part = *p;
  part.of.w = (ck_matrix){rows, stride, CK_BF16, 0};
  part.first = n0;
  part.of.selected = NULL;
  part.of.bias = p->of.bias ? bias : NULL;
  for (size_t m = 0; m < p->of.M; m += p->rows_per_block)
    CK_(packed_block)(&part, m, least(p->of.M, m + p->rows_per_block), n0, n1);
}

// MARK: few rows, straight from the stored weights

/// sums[R * C] of R rows of x and the C rows of W that start at element at[c].
CK_INLINE void CK_(direct)(float *sums, const struct bf16_product *p, const float *x, const size_t *at, const size_t R,
                           const size_t C) {
  const size_t whole = p->of.K / 32, rest = p->of.K % 32;
  const uint16_t *w = p->of.w.data;
  v16 a[16] = {{0}};
  for (size_t s = 0; s < whole; s++)
#pragma clang loop unroll(full)
    for (int part = 0; part < PAIR_STEPS; part++) {
      const float *row = x + (s * PAIR_STEPS + part) * 16;
      v16 wv[8];
#pragma clang loop unroll(full)
      for (size_t c = 0; c < C; c++) wv[c] = CK_(pair_step)(CK_(load_pairs)(w + at[c] + s * 32), part);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++) {
        const v16 xv = CK_(load)(row + r * p->of.x_stride);
#pragma clang loop unroll(full)
        for (size_t c = 0; c < C; c++) a[r * C + c] = CK_(dot16)(xv, wv[c], a[r * C + c]);
      }
    }
  if (rest) {
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) {
      const u16 pairs = CK_(load_pairs_part)(w + at[c] + whole * 32, rest);
#pragma clang loop unroll(full)
      for (int part = 0; part < PAIR_STEPS; part++)
#pragma clang loop unroll(full)
        for (size_t r = 0; r < R; r++) {
          const v16 xv = CK_(load)(x + r * p->of.x_stride + (whole * PAIR_STEPS + part) * 16);
          a[r * C + c] = CK_(dot16)(xv, CK_(pair_step)(pairs, part), a[r * C + c]);
        }
    }
  }
  if (R * C > 8)
    CK_(store)(sums, CK_(sum16)(a));
  else
    CK_(store)(sums, CK_(sum8)(a));
}

#if CK_LEVEL >= 4
#define DIRECT_R 4
#define DIRECT_C 4
#define DIRECT_C1 8
#else
#define DIRECT_R 2
#define DIRECT_C 2
#define DIRECT_C1 4
#endif

typedef void CK_(direct_kernel)(float *, const struct bf16_product *, const float *, const size_t *);

#define DIRECT(name, R, C)                                                                                   \
  CK_NOINLINE void CK_(name)(float *sums, const struct bf16_product *p, const float *x, const size_t *at) {       \
    CK_(direct)(sums, p, x, at, R, C);                                                                       \
  }
DIRECT(direct_single, 1, DIRECT_C1)
DIRECT(direct_1, 1, DIRECT_C)
DIRECT(direct_2, 2, DIRECT_C)
DIRECT(direct_3, DIRECT_R - 1, DIRECT_C)
DIRECT(direct_4, DIRECT_R, DIRECT_C)
#undef DIRECT

static void CK_(bf16_direct)(const struct bf16_product *p, size_t begin, size_t end) {
  // A single row, then by rows.
  static CK_(direct_kernel) *const kernels[5] = {CK_(direct_single), CK_(direct_1), CK_(direct_2), CK_(direct_3),
                                                 CK_(direct_4)};
  const size_t C = p->of.M == 1 ? DIRECT_C1 : DIRECT_C;
  for (size_t n = begin; n < end; n += C) {
    size_t at[DIRECT_C1];
    float bias[DIRECT_C1];
    for (size_t c = 0; c < C; c++) {
      const size_t output = output_of(&p->of, least(n + c, end - 1));
      at[c] = output * p->of.w.stride;
      bias[c] = p->of.bias ? p->of.bias[output] : 0;
    }
    for (size_t m = 0; m < p->of.M;) {
      const size_t R = least(DIRECT_R, p->of.M - m);
      float sums[16];
      kernels[p->of.M == 1 ? 0 : R](sums, p, p->of.x + m * p->of.x_stride, at);
      for (size_t r = 0; r < R; r++)
        for (size_t c = 0; c < C && n + c < end; c++) p->of.y[(m + r) * p->of.y_stride + n + c] = sums[r * C + c] + bias[c];
      m += R;
    }
  }
}
#undef DIRECT_R
#undef DIRECT_C
#undef DIRECT_C1

// MARK: few rows, transposed storage

/// Numbers at ..< at + 16 of stored row k, of which `count` are there, as f32; zeros past the ends.
CK_INLINE v16 CK_(stored_row)(const struct bf16_product *p, size_t k, size_t at, size_t count) {
  uint16_t numbers[16] = {0};
  if (k >= p->of.K) return (v16){0};
  const uint16_t *from = (const uint16_t *)p->of.w.data + k * p->of.w.stride + at;
  if (count >= 16) return CK_(widen_bf16)(from);
  for (size_t i = 0; i < count; i++) numbers[i] = from[i];
  return CK_(widen_bf16)(numbers);
}

/// Outputs begin ..< end of up to 4 rows from W [K, N]. Lane j of output n is lanes[m][j][n - begin], so that nothing
/// is transposed: two stored rows at a time are read, each once from left to right, and make the pairs of 16 outputs.
CK_INLINE void CK_(columns)(const struct bf16_product *p, size_t begin, size_t end) {
  const size_t width = multiple(end - begin, 16);
  float *lanes = ck_scratch(CK_SCRATCH_LANES, p->of.M * 16 * width * sizeof(float));
  memset(lanes, 0, p->of.M * 16 * width * sizeof(float));
  for (size_t k = 0; k < multiple(p->of.K, 32); k += 2) {
    const size_t lane = k / 2 % 16, step = k / 32 * PAIR_STEPS;
    for (size_t i = 0; i < width; i += 16) {
      const size_t count = end - begin - i;
      const u16 even = (u16)CK_(stored_row)(p, k, begin + i, count);
      const u16 odd = (u16)CK_(stored_row)(p, k + 1, begin + i, count);
      const u16 pairs = odd | even >> 16;
      for (size_t m = 0; m < p->of.M; m++) {
        float *a = lanes + (m * 16 + lane) * width + i;
        v16 sum = CK_(load)(a);
        for (int part = 0; part < PAIR_STEPS; part++) {
          uint32_t bits;
          memcpy(&bits, p->of.x + m * p->of.x_stride + (step + part) * 16 + lane, sizeof bits);
          const v16 xv = (v16)((u16){0} + bits);
          sum = CK_(dot16)(xv, CK_(pair_step)(pairs, part), sum);
        }
        CK_(store)(a, sum);
      }
    }
  }
  for (size_t m = 0; m < p->of.M; m++)
    for (size_t i = 0; i < width; i += 16) {
      const size_t count = least(16, end - begin - i);
      v16 a[16];
      for (size_t j = 0; j < 16; j++) a[j] = CK_(load)(lanes + (m * 16 + j) * width + i);
      for (size_t step = 8; step > 0; step /= 2)
        for (size_t j = 0; j < step; j++) a[j] = a[j] + a[j + step];
      const v16 bias = p->of.bias ? CK_(load_part)(p->of.bias + begin + i, count) : (v16){0};
      CK_(store_part)(p->of.y + m * p->of.y_stride + begin + i, a[0] + bias, count);
    }
}

static void CK_(bf16_columns)(const struct bf16_product *p, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n += 256) CK_(columns)(p, n, least(end, n + 256));
}

#undef MULTIPLY_ADD
#undef PAIR_STEPS
#undef LANES
#undef PASS_NR
#undef LANES_FMA
