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

static void CK_(axpy)(float *y, float a, const float *x, size_t n) {
  const v16 av = CK_(set)(a);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) CK_(store)(y + i, CK_(fma16)(av, CK_(load)(x + i), CK_(load)(y + i)));
  if (i < n)
    CK_(store_part)(y + i, CK_(fma16)(av, CK_(load_part)(x + i, n - i), CK_(load_part)(y + i, n - i)), n - i);
}
