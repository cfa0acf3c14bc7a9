// The kernels of ck_activation.c, once per instruction set.
#include "vector_math.h"

#define EACH(f)                                                                           \
  for (size_t i = 0; i < n; i += 16) {                                                    \
    if (n - i >= 16) {                                                                    \
      const v16 v = f(CK_(load)(x + i));                                                  \
      CK_(store)(y + i, up ? v * CK_(load)(up + i) : v);                                  \
    } else {                                                                              \
      const v16 v = f(CK_(load_part)(x + i, n - i));                                      \
      CK_(store_part)(y + i, up ? v * CK_(load_part)(up + i, n - i) : v, n - i);          \
    }                                                                                     \
  }                                                                                       \
  break;

/// y[n] = f(x[n]) (· up[n] unless NULL).
static void CK_(activate_row)(float *y, const float *x, const float *up, int function, size_t n) {
  switch (function) {
    case CK_SILU: EACH(CK_(silu))
    case CK_GELU: EACH(CK_(gelu))
    case CK_GELU_TANH: EACH(CK_(gelu_tanh))
    case CK_RELU: EACH(CK_(relu))
    case CK_QUICK_GELU: EACH(CK_(quick_gelu))
    case CK_TANH: EACH(CK_(tanh))
    case CK_EXP: EACH(CK_(exp))
    default: __builtin_trap();
  }
}
#undef EACH

// Value and slope of every function at x.

CK_INLINE void CK_(slope_sigmoid)(v16 x, v16 a, v16 *value, v16 *slope) {
  const v16 s = 1.0f / (1.0f + CK_(exp)(-a * x));
  *value = x * s;
  *slope = CK_(fma16)(*value * (1.0f - s), a, s);
}

CK_INLINE void CK_(slope_silu)(v16 x, v16 *value, v16 *slope) {
  CK_(slope_sigmoid)(x, CK_(set)(1), value, slope);
}

CK_INLINE void CK_(slope_quick_gelu)(v16 x, v16 *value, v16 *slope) {
  CK_(slope_sigmoid)(x, CK_(set)(1.702f), value, slope);
}

/// Φ(x) + x φ(x).
CK_INLINE void CK_(slope_gelu)(v16 x, v16 *value, v16 *slope) {
  const v16 tail = CK_(normal_tail)(CK_(abs)(x));
  const v16 share = CK_(pick)(x > 0.0f, 1.0f - tail, tail);
  *value = x * share;
  *slope = CK_(fma16)(x * 0.398942292f, CK_(exp)(-0.5f * x * x), share);
}

/// With s = σ(2u), u = √(2/π) (x + 0.044715 x³): s + x s (1 - s) 2u'.
CK_INLINE void CK_(slope_gelu_tanh)(v16 x, v16 *value, v16 *slope) {
  const v16 square = 0.044715f * x * x;
  const v16 u = 0.797884583f * CK_(fma16)(square, x, x);
  const v16 s = 1.0f / (1.0f + CK_(exp)(-2.0f * u));
  *value = x * s;
  *slope = CK_(fma16)(*value * (1.0f - s), 1.595769167f * CK_(fma16)(CK_(set)(3), square, CK_(set)(1)), s);
}

CK_INLINE void CK_(slope_relu)(v16 x, v16 *value, v16 *slope) {
  *value = CK_(relu)(x);
  *slope = CK_(pick)(x > 0.0f, CK_(set)(1), CK_(set)(0));
}

CK_INLINE void CK_(slope_tanh)(v16 x, v16 *value, v16 *slope) {
  *value = CK_(tanh)(x);
  *slope = CK_(fma16)(-*value, *value, CK_(set)(1));
}

#define EACH(f)                                                                                       \
  for (size_t i = 0; i < n; i += 16) {                                                                \
    const size_t count = n - i < 16 ? n - i : 16;                                                     \
    const int whole = count == 16;                                                                    \
    v16 value, slope;                                                                                 \
    f(whole ? CK_(load)(x + i) : CK_(load_part)(x + i, count), &value, &slope);                       \
    const v16 d = whole ? CK_(load)(dy + i) : CK_(load_part)(dy + i, count);                          \
    v16 dxv = d * slope;                                                                              \
    if (up) {                                                                                         \
      dxv = dxv * (whole ? CK_(load)(up + i) : CK_(load_part)(up + i, count));                        \
      if (whole) CK_(store)(dup + i, d * value);                                                      \
      else CK_(store_part)(dup + i, d * value, count);                                                \
    }                                                                                                 \
    if (whole) CK_(store)(dx + i, dxv);                                                               \
    else CK_(store_part)(dx + i, dxv, count);                                                         \
  }                                                                                                   \
  break;

/// dx[n] = dy[n] · f'(x[n]) (· up[n], and dup[n] = dy[n] · f(x[n]), unless `up` is NULL).
static void CK_(activate_back)(float *dx, float *dup, const float *dy, const float *x, const float *up, int function,
                               size_t n) {
  switch (function) {
    case CK_SILU: EACH(CK_(slope_silu))
    case CK_GELU: EACH(CK_(slope_gelu))
    case CK_GELU_TANH: EACH(CK_(slope_gelu_tanh))
    case CK_RELU: EACH(CK_(slope_relu))
    case CK_QUICK_GELU: EACH(CK_(slope_quick_gelu))
    case CK_TANH: EACH(CK_(slope_tanh))
    default: __builtin_trap();
  }
}
#undef EACH

static void CK_(axpy)(float *y, float a, const float *x, size_t n) {
  const v16 av = CK_(set)(a);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) CK_(store)(y + i, CK_(fma16)(av, CK_(load)(x + i), CK_(load)(y + i)));
  if (i < n)
    CK_(store_part)(y + i, CK_(fma16)(av, CK_(load_part)(x + i, n - i), CK_(load_part)(y + i, n - i)), n - i);
}
