// The kernels of ck_rows.c, once per instruction set.

CK_INLINE v16 CK_(weights16)(const ck_matrix *w, size_t at, size_t count) {
  if (w->type == CK_F32) {
    const float *p = (const float *)w->data + at;
    return count == 16 ? CK_(load)(p) : CK_(load_part)(p, count);
  }
  const uint16_t *p = (const uint16_t *)w->data + at;
  uint16_t part[16] = {0};
  if (count < 16) {
    for (size_t i = 0; i < count; i++) part[i] = p[i];
    p = part;
  }
  return w->type == CK_BF16 ? CK_(widen_bf16)(p) : CK_(widen_f16)(p);
}

CK_INLINE d16 CK_(load_f64)(const double *p, size_t count) {
  d16 v = {0};
  if (count == 16)
    memcpy(&v, p, sizeof v);
  else
    memcpy(&v, p, count * sizeof(double));
  return v;
}

CK_INLINE double CK_(sum_d16)(d16 v) {
  double x[16];
  memcpy(x, &v, sizeof v);
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) x[i] += x[i + width];
  return x[0];
}

static void CK_(dot_rows)(const struct row_statistics *s, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n++) {
    d16 dot = {0}, square = {0};
    for (size_t k = 0; k < s->K; k += 16) {
      const size_t count = least(16, s->K - k);
      const d16 v = __builtin_convertvector(CK_(weights16)(&s->w, n * s->w.stride + k, count), d16);
      if (s->dots) dot = dot + v * CK_(load_f64)(s->direction + k, count);
      square = square + v * v;
    }
    if (s->dots) s->dots[n] = CK_(sum_d16)(dot);
    if (s->squares) s->squares[n] = CK_(sum_d16)(square);
  }
}

/// Rows of the logical matrix are stored columns: lane j of 16 outputs is vector j.
static void CK_(dot_columns)(const struct row_statistics *s, size_t begin, size_t end) {
  for (size_t n = begin; n < end; n += 16) {
    const size_t count = least(16, end - n);
    d16 dot[16] = {{0}}, square[16] = {{0}};
    for (size_t k = 0; k < s->K; k++) {
      const d16 v = __builtin_convertvector(CK_(weights16)(&s->w, k * s->w.stride + n, count), d16);
      if (s->dots) dot[k % 16] = dot[k % 16] + v * s->direction[k];
      square[k % 16] = square[k % 16] + v * v;
    }
    for (size_t width = 8; width > 0; width /= 2)
      for (size_t j = 0; j < width; j++) {
        dot[j] = dot[j] + dot[j + width];
        square[j] = square[j] + square[j + width];
      }
    for (size_t i = 0; i < count; i++) {
      if (s->dots) s->dots[n + i] = dot[0][i];
      if (s->squares) s->squares[n + i] = square[0][i];
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
