// The kernels of ck_linear.c for few rows, once per instruction set.

#include "linear_elements.h"

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

#if CK_LEVEL >= 4
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
