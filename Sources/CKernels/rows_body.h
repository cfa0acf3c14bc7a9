// The kernels of ck_rows.c, once per instruction set.

CK_INLINE v16 CK_(weights16)(const void *data, int type, size_t at) {
  if (type == CK_F32) return CK_(load)((const float *)data + at);
  const uint16_t *p = (const uint16_t *)data + at;
  return type == CK_BF16 ? CK_(widen_bf16)(p) : CK_(widen_f16)(p);
}

CK_INLINE v16 CK_(weights_part)(const void *data, int type, size_t at, size_t count) {
  if (type == CK_F32) return CK_(load_part)((const float *)data + at, count);
  uint16_t part[16] = {0};
  for (size_t i = 0; i < count; i++) part[i] = ((const uint16_t *)data + at)[i];
  return CK_(weights16)(part, type, 0);
}

CK_INLINE d16 CK_(load_f64)(const double *p) {
  d16 v;
  memcpy(&v, p, sizeof v);
  return v;
}

CK_INLINE d16 CK_(load_f64_part)(const double *p, size_t count) {
  d16 v = {0};
  memcpy(&v, p, count * sizeof(double));
  return v;
}

/// sum + a·b. The factors are f32 values, so that their product is exact in f64 and fusing changes no bit.
CK_INLINE d16 CK_(add_product)(d16 sum, d16 a, d16 b) {
#if CK_FMA
  return __builtin_elementwise_fma(a, b, sum);
#else
  return sum + a * b;
#endif
}

CK_INLINE double CK_(sum_d16)(d16 v) {
  double x[16];
  memcpy(x, &v, sizeof v);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) x[i] += x[i + width];
  return x[0];
}

/// One row: type, gain and which sums are wanted are constants where this is inlined.
CK_INLINE void CK_(dot_row)(const struct row_statistics *s, size_t n, int type, int gained, int dots) {
  const float *gain = s->gain;
  const double *direction = s->direction;
  const size_t K = s->K, start = n * s->w.stride;
  d16 dot = {0}, square = {0}, stored = {0};
  size_t k = 0;
  for (; k + 16 <= K; k += 16) {
    // A page ahead: the processor's own prefetching ends at a page's end, and a row is often a page.
    __builtin_prefetch((const char *)s->w.data + (start + k) * (type == CK_F32 ? 4 : 2) + 4096);
    v16 w = CK_(weights16)(s->w.data, type, start + k);
    if (gained) {
      const d16 plain = __builtin_convertvector(w, d16);
      stored = CK_(add_product)(stored, plain, plain);
      w = w * CK_(load)(gain + k);
    }
    const d16 v = __builtin_convertvector(w, d16);
    if (dots) dot = CK_(add_product)(dot, v, CK_(load_f64)(direction + k));
    square = CK_(add_product)(square, v, v);
  }
  if (k < K) {
    const size_t count = K - k;
    v16 w = CK_(weights_part)(s->w.data, type, start + k, count);
    if (gained) {
      const d16 plain = __builtin_convertvector(w, d16);
      stored = CK_(add_product)(stored, plain, plain);
      w = w * CK_(load_part)(gain + k, count);
    }
    const d16 v = __builtin_convertvector(w, d16);
    if (dots) dot = CK_(add_product)(dot, v, CK_(load_f64_part)(direction + k, count));
    square = CK_(add_product)(square, v, v);
  }
  if (dots) s->dots[n] = CK_(sum_d16)(dot);
  if (s->squares) s->squares[n] = CK_(sum_d16)(square);
  if (gained) s->stored_squares[n] = CK_(sum_d16)(stored);
}

static void CK_(dot_rows)(const struct row_statistics *s, size_t begin, size_t end) {
#define ROWS(type, gained, dots) \
  for (size_t n = begin; n < end; n++) CK_(dot_row)(s, n, type, gained, dots)
#define ROWS_OF(type)    \
  if (s->gain)           \
    ROWS(type, 1, 1);    \
  else if (s->dots)      \
    ROWS(type, 0, 1);    \
  else                   \
    ROWS(type, 0, 0)
  if (s->w.type == CK_F32) {
    ROWS_OF(CK_F32);
  } else if (s->w.type == CK_BF16) {
    ROWS_OF(CK_BF16);
  } else {
    ROWS_OF(CK_F16);
  }
#undef ROWS_OF
#undef ROWS
}

/// Rows of the logical matrix are stored columns: lane j of 16 outputs is vector j.
static void CK_(dot_columns)(const struct row_statistics *s, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n += 16) {
    const size_t count = least(16, end - n);
    d16 dot[16] = {{0}}, square[16] = {{0}}, stored[16] = {{0}};
    for (size_t k = 0; k < s->K; k++) {
      const size_t at = k * s->w.stride + n, lane = k % 16;
      v16 w = count == 16 ? CK_(weights16)(s->w.data, s->w.type, at)
                          : CK_(weights_part)(s->w.data, s->w.type, at, count);
      if (s->gain) {
        const d16 plain = __builtin_convertvector(w, d16);
        stored[lane] = CK_(add_product)(stored[lane], plain, plain);
        w = w * s->gain[k];
      }
      const d16 v = __builtin_convertvector(w, d16);
      if (s->dots) dot[lane] = CK_(add_product)(dot[lane], v, (d16){0} + s->direction[k]);
      square[lane] = CK_(add_product)(square[lane], v, v);
    }
    for (size_t width = 8; width > 0; width /= 2)
      for (size_t j = 0; j < width; j++) {
        dot[j] = dot[j] + dot[j + width];
        square[j] = square[j] + square[j + width];
        stored[j] = stored[j] + stored[j + width];
      }
    for (size_t i = 0; i < count; i++) {
      if (s->dots) s->dots[n + i] = dot[0][i];
      if (s->squares) s->squares[n + i] = square[0][i];
      if (s->gain) s->stored_squares[n + i] = stored[0][i];
    }
  }
}

static void CK_(squared_error)(double *sums, const float *a, const float *b, size_t n) {
  d16 error = {0}, sa = {0}, sb = {0};
  for (size_t i = 0; i < n; i += 16) {
    const size_t count = least(16, n - i);
    const d16 u = __builtin_convertvector(count == 16 ? CK_(load)(a + i) : CK_(load_part)(a + i, count), d16);
    const d16 v = __builtin_convertvector(count == 16 ? CK_(load)(b + i) : CK_(load_part)(b + i, count), d16);
    error = error + (u - v) * (u - v);
    sa = sa + u * u;
    sb = sb + v * v;
  }
  sums[0] = CK_(sum_d16)(error);
  sums[1] = CK_(sum_d16)(sa);
  sums[2] = CK_(sum_d16)(sb);
}
