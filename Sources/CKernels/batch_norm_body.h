// The kernels of ck_batch_norm.c, once per instruction set.
#include "vector_math.h"

CK_INLINE v16 CK_(some)(const float *p, const size_t count) {
  return count == 16 ? CK_(load)(p) : CK_(load_part)(p, count);
}
CK_INLINE void CK_(put)(float *p, v16 v, const size_t count) {
  if (count == 16)
    CK_(store)(p, v);
  else
    CK_(store_part)(p, v, count);
}

/// Calls F(at, place, lanes) for vectors of an image's numbers: `at` counts in the image, `place` in a row.
#define EACH_VECTOR(F)                                                   \
  for (size_t start = 0; start < b->count; start += b->row) {            \
    const size_t length = least(b->row, b->count - start);               \
    size_t j = 0;                                                        \
    for (; j + 16 <= length; j += 16) { F(start + j, j, 16) }            \
    if (j < length) { F(start + j, j, length - j) }                      \
  }

/// sums[channels] = the sums of a row's places.
static void CK_(fold)(double *sums, const float *row, const struct batch_norm *b) {
  for (size_t c = 0; c < b->channels; c++) sums[c] = 0;
  for (size_t start = 0; start < b->row; start += b->channels)
    for (size_t c = 0; c < b->channels; c++) sums[c] += (double)row[start + c];
}

static void CK_(moments)(const struct batch_norm *b, size_t image) {
  const float *x = b->x + image * b->count;
  float *sum = ck_scratch(CK_SCRATCH_LANES, 2 * b->row * sizeof(float)), *mean = sum + b->row;
  double *out = b->sums + image * 2 * b->channels;
  memset(sum, 0, b->row * sizeof(float));
#define ADD(at, place, n) CK_(put)(sum + place, CK_(some)(sum + place, n) + CK_(some)(x + at, n), n);
  EACH_VECTOR(ADD)
#undef ADD
  CK_(fold)(out, sum, b);
  for (size_t c = 0; c < b->channels; c++) out[c] /= (double)(b->count / b->channels);
  ck_batch_norm_fill(mean, out, b->channels);
  memset(sum, 0, b->row * sizeof(float));
#define ADD(at, place, n)                                              \
  const v16 v = CK_(some)(x + at, n) - CK_(some)(mean + place, n);     \
  CK_(put)(sum + place, CK_(fma16)(v, v, CK_(some)(sum + place, n)), n);
  EACH_VECTOR(ADD)
#undef ADD
  CK_(fold)(out + b->channels, sum, b);
}

static void CK_(apply)(const struct batch_norm *b, size_t image) {
  const float *x = b->x + image * b->count, *beside = b->beside ? b->beside + image * b->count : NULL;
  float *y = b->y + image * b->count;
#define APPLY(at, place, n)                                                                                   \
  v16 v = CK_(fma16)(CK_(some)(x + at, n), CK_(some)(b->scale + place, n), CK_(some)(b->mean + place, n));    \
  if (beside) v = v + CK_(some)(beside + at, n);                                                              \
  CK_(put)(y + at, b->relu ? CK_(relu)(v) : v, n);
  EACH_VECTOR(APPLY)
#undef APPLY
}

static void CK_(backward_sums)(const struct batch_norm *b, size_t image) {
  const float *x = b->x + image * b->count, *y = b->beside ? b->beside + image * b->count : NULL;
  float *dy = b->y + image * b->count;
  float *g_sum = ck_scratch(CK_SCRATCH_LANES, 2 * b->row * sizeof(float)), *gx_sum = g_sum + b->row;
  memset(g_sum, 0, 2 * b->row * sizeof(float));
#define ADD(at, place, n)                                                                               \
  v16 g = CK_(some)(dy + at, n);                                                                        \
  if (y) {                                                                                              \
    g = (v16)((i16)g & (CK_(some)(y + at, n) > 0));                                                     \
    CK_(put)(dy + at, g, n);                                                                            \
  }                                                                                                     \
  const v16 v = (CK_(some)(x + at, n) - CK_(some)(b->mean + place, n)) * CK_(some)(b->scale + place, n); \
  CK_(put)(g_sum + place, CK_(some)(g_sum + place, n) + g, n);                                          \
  CK_(put)(gx_sum + place, CK_(fma16)(g, v, CK_(some)(gx_sum + place, n)), n);
  EACH_VECTOR(ADD)
#undef ADD
  double *out = b->sums + image * 2 * b->channels;
  CK_(fold)(out, g_sum, b);
  CK_(fold)(out + b->channels, gx_sum, b);
}

static void CK_(backward)(const struct batch_norm *b, size_t image) {
  const float *x = b->x + image * b->count, *g = b->beside + image * b->count;
  float *dx = b->y + image * b->count;
#define APPLY(at, place, n)                                                                              \
  const v16 v = (CK_(some)(x + at, n) - CK_(some)(b->mean + place, n)) * CK_(some)(b->scale + place, n);  \
  const v16 d = CK_(some)(g + at, n) - CK_(some)(b->g_mean + place, n) - v * CK_(some)(b->gx_mean + place, n); \
  const v16 r = d * CK_(some)(b->gain + place, n);                                                       \
  CK_(put)(dx + at, b->add ? CK_(some)(dx + at, n) + r : r, n);
  EACH_VECTOR(APPLY)
#undef APPLY
}
#undef EACH_VECTOR
