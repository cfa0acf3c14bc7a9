// The kernels of ck_attention.c, once per instruction set.
#include "vector_math.h"

#if CK_LEVEL >= 4
#define DOT_R 4
#define DOT_C 4
#else
#define DOT_R 2
#define DOT_C 2
#endif

/// scores[R][C] = q[R] · keys[C], each of `steps` times 16 numbers.
CK_INLINE void CK_(dot_tile)(float *scores, size_t stride, const float *q, size_t q_stride, const float *const *keys,
                             size_t steps, const size_t R, const size_t C) {
  v16 a[16] = {{0}};
  for (size_t s = 0; s < steps; s++) {
    v16 kv[8];
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) kv[c] = CK_(load)(keys[c] + s * 16);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < R; r++) {
      const v16 qv = CK_(load)(q + r * q_stride + s * 16);
#pragma clang loop unroll(full)
      for (size_t c = 0; c < C; c++) a[r * C + c] = CK_(fma16)(qv, kv[c], a[r * C + c]);
    }
  }
  float sums[16];
  CK_(store)(sums, R * C > 8 ? CK_(sum16)(a) : CK_(sum8)(a));
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) memcpy(scores + r * stride, sums + r * C, C * sizeof(float));
}

/// Scores of `rows` (1 or 4) rows against `count` keys, a multiple of 8.
static void CK_(scores)(float *scores, size_t stride, const float *q, size_t q_stride, const float *const *keys,
                        size_t steps, size_t rows, size_t count) {
  if (rows == 1) {
    for (size_t c = 0; c < count; c += 8) CK_(dot_tile)(scores + c, stride, q, q_stride, keys + c, steps, 1, 8);
    return;
  }
  for (size_t c = 0; c < count; c += DOT_C)
    for (size_t r = 0; r < 4; r += DOT_R)
      CK_(dot_tile)(scores + r * stride + c, stride, q + r * q_stride, q_stride, keys + c, steps, DOT_R, DOT_C);
}

#if CK_LEVEL == 3
// With few registers sums are made lane by lane against keys that lie side by side: a register holds a lane of 8
// scores.

/// transposed[width][KEY_TILE] of `count` keys, zeros behind them up to a multiple of 8.
static void CK_(turn_keys)(float *transposed, const float *keys, size_t stride, size_t count, size_t width) {
  for (size_t i = 0; i < count; i += 8)
    for (size_t k = 0; k < width; k += 8) {
      v8 a[8];
#pragma clang loop unroll(full)
      for (size_t j = 0; j < 8; j++) {
        a[j] = (v8){0};
        if (i + j < count) memcpy(&a[j], keys + (i + j) * stride + k, sizeof a[j]);
      }
      CK_(transpose8)(a);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < 8; j++) memcpy(transposed + (k + j) * KEY_TILE + i, &a[j], sizeof a[j]);
    }
}

/// scores[2][8] = q[2] · keys[8]: lanes in the order in which the tree adds them, so that at most four wait.
CK_INLINE void CK_(turned_tile)(float *scores, size_t stride, const float *q, size_t q_stride, const float *keys,
                                const size_t steps) {
  v8 waiting[5][2];
#pragma clang loop unroll(full)
  for (unsigned i = 0; i < 16; i++) {
    const size_t j = (i & 1) << 3 | (i & 2) << 1 | (i & 4) >> 1 | (i & 8) >> 3;
    v8 a[2] = {{0}};
    for (size_t s = 0; s < steps; s++) {
      v8 kv;
      memcpy(&kv, keys + (s * 16 + j) * KEY_TILE, sizeof kv);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < 2; r++) a[r] = CK_(fma8)(q[r * q_stride + s * 16 + j] - (v8){0}, kv, a[r]);
    }
    const int height = __builtin_ctz(~i);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < 2; r++) {
#pragma clang loop unroll(full)
      for (int h = 0; h < height; h++) a[r] = waiting[h][r] + a[r];
      waiting[height][r] = a[r];
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < 2; r++) memcpy(scores + r * stride, &waiting[4][r], sizeof(v8));
}

/// Scores of four rows against `count` keys, a multiple of 8.
static void CK_(turned_scores)(float *scores, size_t stride, const float *q, size_t q_stride, const float *keys,
                               size_t steps, size_t count) {
  for (size_t r = 0; r < 4; r += 2, q += 2 * q_stride, scores += 2 * stride)
    for (size_t c = 0; c < count; c += 8)
      if (steps == 3) CK_(turned_tile)(scores + c, stride, q, q_stride, keys + c, 3);
      else if (steps == 4) CK_(turned_tile)(scores + c, stride, q, q_stride, keys + c, 4);
      else CK_(turned_tile)(scores + c, stride, q, q_stride, keys + c, steps);
}
#endif

/// Turns the scores s[n] of the keys from `first` on into exponentials and returns 1 / their sum. Key `first + i`
/// stands at `distance + i` from the query. Up to 15 numbers behind the scores are overwritten.
static float CK_(weights)(float *s, const struct attention *a, size_t head, size_t first, float distance, size_t n) {
  static const float counting[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const v16 scale = CK_(set)(a->o.scale), cap = CK_(set)(a->o.softcap), place = CK_(load)(counting);
  const v16 slope = CK_(set)(a->o.slopes ? a->o.slopes[head] : 0);
  const float *bias = a->o.key_bias ? a->o.key_bias + head * a->o.key_bias_stride + first : NULL;
  v16 top = CK_(set)(-INFINITY);
  for (size_t i = 0; i < n; i += 16) {
    const size_t count = least(16, n - i);
    v16 v = CK_(load)(s + i) * scale;
    if (a->o.softcap > 0) v = cap * CK_(tanh)(v / cap);
    if (a->o.slopes) v = CK_(fma16)(slope, place + (distance + (float)i), v);
    if (bias) v = v + (count == 16 ? CK_(load)(bias + i) : CK_(load_part)(bias + i, count));
    // What lies behind the scores becomes e^-infinity.
    if (count < 16) v = CK_(pick)(place < (float)count, v, CK_(set)(-INFINITY));
    CK_(store)(s + i, v);
    top = CK_(pick)(v > top, v, top);
  }
  float largest = top[0];
  for (int j = 1; j < 16; j++) largest = top[j] > largest ? top[j] : largest;
  const v16 shift = CK_(set)(largest);
  v16 sum = {0};
  for (size_t i = 0; i < n; i += 16) {
    v16 e = CK_(exp)(CK_(load)(s + i) - shift);
    if (n - i < 16) e = CK_(pick)(place < (float)(n - i), e, CK_(set)(0));
    CK_(store)(s + i, e);
    sum = sum + e;
  }
  return 1.0f / CK_(sum)(sum);
}

/// out[R][C·16] = fma over the keys `count` of weight[R][key] · values[key].
CK_INLINE void CK_(mix_tile)(float *out, size_t out_stride, const float *weight, size_t stride, const float *values,
                             size_t v_stride, size_t count, const size_t R, const size_t C) {
  v16 a[4][4];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) a[r][c] = CK_(load)(out + r * out_stride + c * 16);
  for (size_t i = 0; i < count; i++) {
    v16 w[4];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < R; r++) w[r] = CK_(set)(weight[r * stride + i]);
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) {
      const v16 v = CK_(load)(values + i * v_stride + c * 16);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++) a[r][c] = CK_(fma16)(w[r], v, a[r][c]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
    for (size_t c = 0; c < C; c++) CK_(store)(out + r * out_stride + c * 16, a[r][c]);
}

/// The same for 1 or 4 rows and any width of `steps` times 16.
static void CK_(mix)(float *out, size_t out_stride, const float *weight, size_t stride, const float *values,
                     size_t v_stride, size_t count, size_t rows, size_t steps) {
  size_t s = 0;
  // Four rows of 64 numbers are more than the registers of AVX2 hold.
  for (; s + 4 <= steps && (rows == 1 || CK_LEVEL >= 4); s += 4)
    if (rows == 1)
      CK_(mix_tile)(out + s * 16, out_stride, weight, stride, values + s * 16, v_stride, count, 1, 4);
    else
      CK_(mix_tile)(out + s * 16, out_stride, weight, stride, values + s * 16, v_stride, count, 4, 4);
  for (; s < steps; s++)
    if (rows == 1)
      CK_(mix_tile)(out + s * 16, out_stride, weight, stride, values + s * 16, v_stride, count, 1, 1);
    else
      CK_(mix_tile)(out + s * 16, out_stride, weight, stride, values + s * 16, v_stride, count, 4, 1);
}

/// Copies `count` rows of hd numbers into rows of `width`, zeros behind.
static void CK_(pad)(float *to, size_t width, const float *from, size_t stride, size_t count, size_t hd) {
  for (size_t i = 0; i < count; i++) {
    memcpy(to + i * width, from + i * stride, hd * sizeof(float));
    memset(to + i * width + hd, 0, (width - hd) * sizeof(float));
  }
}

static void CK_(attend)(const struct attention *a, size_t task) {
  const size_t kv_head = task / a->tasks_per_head, group = a->H / a->KV, hd = a->hd;
  const size_t q0 = task % a->tasks_per_head * a->queries_per_task;
  const size_t queries = least(a->queries_per_task, a->Tq - q0);
  const size_t count = queries * group, padded = count == 1 ? 1 : multiple(count, 4);
  const size_t steps = (hd + 15) / 16, width = steps * 16;
  // Rows of the task: all heads of the group at one position, then the next position.
  const struct row low = visible(a, q0, 0), high = visible(a, q0 + queries - 1, 0);
  const size_t first = low.first, keys = high.last - first;
  const size_t stride = multiple(keys, KEY_TILE) + 16;
  const size_t floats = padded * stride + 2 * padded * width + padded;
  float *scores = ck_scratch(CK_SCRATCH_SCORES, multiple(floats, 16) * sizeof(float) + padded * sizeof(struct row));
  float *q = scores + padded * stride, *out = q + padded * width;
  float *tile = ck_scratch(CK_SCRATCH_KEYS, 2 * KEY_TILE * width * sizeof(float));
  struct row *rows = (struct row *)(scores + multiple(floats, 16));
  for (size_t r = 0; r < padded; r++) {
    const size_t there = least(r, count - 1);
    const struct row row = rows[r] = visible(a, q0 + there / group, kv_head * group + there % group);
    CK_(pad)(q + r * width, width, a->q + row.query * a->q_stride + row.head * hd, 0, 1, hd);
  }
  memset(out, 0, padded * width * sizeof(float));
  const size_t R = padded == 1 ? 1 : 4;
  // Scores, a tile of keys at a time.
  for (size_t t = 0; t < keys; t += KEY_TILE) {
    const size_t n = least(KEY_TILE, keys - t);
    const float *from = a->k + (first + t) * a->k_stride + kv_head * hd;
    size_t from_stride = a->k_stride;
    if (width != hd) CK_(pad)(tile, width, from, from_stride, n, hd), from = tile, from_stride = width;
    const float *pointers[KEY_TILE + 8];
    for (size_t i = 0; i < multiple(n, 8); i++) pointers[i] = from + least(i, n - 1) * from_stride;
#if CK_LEVEL == 3
    float *turned = tile + KEY_TILE * width;
    if (R == 4) CK_(turn_keys)(turned, from, from_stride, n, width);
#endif
    for (size_t r = 0; r < padded; r += R) {
      const struct row early = rows[r], late = rows[r + R - 1];
      if (early.first >= first + t + n || late.last <= first + t) continue;
      const size_t seen = least(n, late.last - first - t);
#if CK_LEVEL == 3
      if (R == 4) {
        CK_(turned_scores)(scores + r * stride + t, stride, q + r * width, width, turned, steps, multiple(seen, 8));
        continue;
      }
#endif
      CK_(scores)(scores + r * stride + t, stride, q + r * width, width, pointers, steps, R, multiple(seen, 8));
    }
  }
  float *inverse = out + padded * width;
  for (size_t r = 0; r < count; r++) {
    const struct row row = rows[r];
    const float distance = (float)row.first - (float)(a->Tk - a->Tq + row.query);
    inverse[r] = CK_(weights)(scores + r * stride + (row.first - first), a, row.head, row.first, distance,
                              row.last - row.first);
  }
  // Values, a tile of keys at a time: first the keys that only some of four rows see, then the common ones, then
  // again those of some rows; for every row the keys come in order.
  for (size_t t = 0; t < keys; t += KEY_TILE) {
    const size_t n = least(KEY_TILE, keys - t), begin = first + t, end = begin + n;
    const float *from = a->v + begin * a->v_stride + kv_head * hd;
    size_t from_stride = a->v_stride;
    if (width != hd) CK_(pad)(tile, width, from, from_stride, n, hd), from = tile, from_stride = width;
    for (size_t r = 0; r < count; r += R) {
      size_t from_all = begin, to_all = end;
      for (size_t i = r; i < r + R; i++) {
        from_all = most(from_all, rows[i].first);
        to_all = least(to_all, rows[i].last);
      }
      if (r + R > count || from_all >= to_all) from_all = to_all = end;  // each row alone
#define MIX(row_index, rows, k0, k1)                                                                            \
  if ((k0) < (k1))                                                                                              \
  CK_(mix)(out + (row_index) * width, width, scores + (row_index) * stride + ((k0) - first), stride,            \
           from + ((k0) - begin) * from_stride, from_stride, (k1) - (k0), rows, steps)
      for (size_t i = r; i < least(r + R, count); i++)
        MIX(i, 1, most(begin, rows[i].first), least(from_all, least(end, rows[i].last)));
      MIX(r, R, from_all, to_all);
      for (size_t i = r; i < least(r + R, count); i++)
        MIX(i, 1, to_all, least(end, rows[i].last));
#undef MIX
    }
  }
  for (size_t r = 0; r < count; r++) {
    const struct row row = rows[r];
    float *to = a->out + row.query * a->out_stride + row.head * hd;
    for (size_t d = 0; d < hd; d++) to[d] = out[r * width + d] * inverse[r];
  }
}
#undef DOT_R
#undef DOT_C
