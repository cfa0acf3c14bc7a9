// The kernels of ck_softmax.c, once per instruction set.
#include "vector_math.h"

CK_INLINE v16 CK_(max)(v16 a, v16 b) { return CK_(pick)(a > b, a, b); }

/// The largest entry of x[n], n > 0; a NaN may come out or be passed over, the sums that follow show it anyway.
static float CK_(greatest)(const float *x, size_t n) {
  v16 a = CK_(set)(x[0]);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) a = CK_(max)(CK_(load)(x + i), a);
  float lanes[16];
  CK_(store)(lanes, a);
  for (int j = 1; j < 16; j++) lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
  for (; i < n; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return lanes[0];
}

static void CK_(softmax)(float *y, const float *x, size_t n) {
  if (n == 0) return;
  const v16 most = CK_(set)(CK_(greatest)(x, n));
  v16 a = {0};
  for (size_t i = 0; i < n; i += 16) {
    if (n - i >= 16) {
      const v16 e = CK_(exp)(CK_(load)(x + i) - most);
      a = a + e;
      CK_(store)(y + i, e);
    } else {
      const v16 e = CK_(exp)(CK_(load_part)(x + i, n - i) - most);
      CK_(store_part)(y + i, e, n - i);
      a = a + CK_(load_part)(y + i, n - i);
    }
  }
  const v16 sum = CK_(set)(CK_(sum)(a));
  for (size_t i = 0; i < n; i += 16) {
    if (n - i >= 16)
      CK_(store)(y + i, CK_(load)(y + i) / sum);
    else
      CK_(store_part)(y + i, CK_(load_part)(y + i, n - i) / sum, n - i);
  }
}

/// e^x in f64 for x <= 709, within 2 units in the last place; 0 below -708.
CK_INLINE d8 CK_(exp_f64)(d8 x) {
  q8 tiny = x < -708.0;
  x = (d8)(((q8)x & ~tiny) | ((q8)(d8){-708, -708, -708, -708, -708, -708, -708, -708} & tiny));
  const double magic = 0x1.8p52;
  const d8 shifted = x * 0x1.71547652b82fep0 + magic;
  const d8 n = shifted - magic;
  const d8 r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  d8 q = r * (1.0 / 6227020800) + 1.0 / 479001600;
  q = q * r + 1.0 / 39916800;
  q = q * r + 1.0 / 3628800;
  q = q * r + 1.0 / 362880;
  q = q * r + 1.0 / 40320;
  q = q * r + 1.0 / 5040;
  q = q * r + 1.0 / 720;
  q = q * r + 1.0 / 120;
  q = q * r + 1.0 / 24;
  q = q * r + 1.0 / 6;
  q = q * r + 0.5;
  const d8 e = 1.0 + (r + r * r * q);
  const q8 k = (q8)shifted - 0x4338000000000000;
  const d8 scale = (d8)((k + 1023) << 52);
  return (d8)((q8)(e * scale) & ~tiny);
}

CK_INLINE d8 CK_(wide)(const float *p) {
  v8 v;
  memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, d8);
}

/// The tree over 16 f64 lanes in two halves.
CK_INLINE double CK_(sum_f64)(d8 low, d8 high) {
  double x[8];
  const d8 a = low + high;
  memcpy(x, &a, sizeof x);
  for (int width = 4; width > 0; width /= 2)
    for (int i = 0; i < width; i++) x[i] += x[i + width];
  return x[0];
}

// Runs `TERM(x)` or `TERM(p, q)` over 16 lanes; a part at the end is filled with `fill`, whose terms must be 0.
#define OVER(n, fill, p, q, TERM)                                            \
  d8 low = {0}, high = {0};                                                  \
  for (size_t i = 0; i < n; i += 16) {                                       \
    float pp[16], qq[16];                                                    \
    if (n - i >= 16) {                                                       \
      low = low + TERM(CK_(wide)(p + i), CK_(wide)(q + i));                  \
      high = high + TERM(CK_(wide)(p + i + 8), CK_(wide)(q + i + 8));        \
    } else {                                                                 \
      for (size_t j = 0; j < 16; j++) pp[j] = i + j < n ? p[i + j] : fill;   \
      for (size_t j = 0; j < 16; j++) qq[j] = i + j < n ? q[i + j] : fill;   \
      low = low + TERM(CK_(wide)(pp), CK_(wide)(qq));                        \
      high = high + TERM(CK_(wide)(pp + 8), CK_(wide)(qq + 8));              \
    }                                                                        \
  }                                                                          \
  return CK_(sum_f64)(low, high)

/// 0 where the probability is 0, so that a logit of -infinity adds nothing.
CK_INLINE d8 CK_(weigh)(d8 p, d8 log_ratio) {
  return (d8)((q8)(p * log_ratio) & ~(q8)(p == 0.0));
}

static double CK_(exp_sum)(const float *x, float most, size_t n) {
  const double m = most;
#define TERM(p, q) CK_(exp_f64)(p - m)
  OVER(n, -INFINITY, x, x, TERM);
#undef TERM
}

static double CK_(divergence)(const float *p, const float *q, double lp, double lq, size_t n) {
#define TERM(p, q) CK_(weigh)(CK_(exp_f64)((p) - lp), ((p) - lp) - ((q) - lq))
  OVER(n, -INFINITY, p, q, TERM);
#undef TERM
}

static double CK_(entropy)(const float *x, double lse, size_t n) {
#define TERM(p, q) CK_(weigh)(CK_(exp_f64)((p) - lse), lse - (p))
  OVER(n, -INFINITY, x, x, TERM);
#undef TERM
}
#undef OVER

/// One row of ck_cross_entropy: x[n] becomes its gradient; the loss.
static double CK_(cross_entropy)(float *x, size_t token, float scale, size_t n) {
  const float most = CK_(greatest)(x, n), own = x[token];
  const v16 shift = CK_(set)(most);
  d8 low = {0}, high = {0};
  for (size_t i = 0; i < n; i += 16) {
    float part[16];
    const size_t count = n - i < 16 ? n - i : 16;
    if (count == 16) {
      CK_(store)(x + i, CK_(exp)(CK_(load)(x + i) - shift));
      memcpy(part, x + i, sizeof part);
    } else {
      CK_(store_part)(x + i, CK_(exp)(CK_(load_part)(x + i, count) - shift), count);
      CK_(store)(part, CK_(load_part)(x + i, count));
    }
    low = low + CK_(wide)(part);
    high = high + CK_(wide)(part + 8);
  }
  const double sum = CK_(sum_f64)(low, high);
  const v16 factor = CK_(set)((float)((double)scale / sum));
  size_t i = 0;
  for (; i + 16 <= n; i += 16) CK_(store)(x + i, CK_(load)(x + i) * factor);
  if (i < n) CK_(store_part)(x + i, CK_(load_part)(x + i, n - i) * factor, n - i);
  x[token] -= scale;
  return log(sum) - ((double)own - (double)most);
}
