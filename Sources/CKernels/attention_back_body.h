// The row kernel of ck_attention_backward.c, once per instruction set.
#include "vector_math.h"

/// From a query's products s[n] with its visible keys and g[n] = dout · values: s becomes the weights softmax(scale s), g
/// the gradient of the products, scale · weights · (g - Σ weights g).
static void CK_(attention_row)(float *s, float *g, float scale, size_t n) {
  const size_t whole = n / 16 * 16, rest = n % 16;
  const v16 factor = CK_(set)(scale);
  v16 top = CK_(set)(-INFINITY);
  for (size_t i = 0; i < whole; i += 16) {
    const v16 v = CK_(load)(s + i) * factor;
    top = CK_(pick)(v > top, v, top);
  }
  for (size_t i = whole; i < n; i++) top[0] = s[i] * scale > top[0] ? s[i] * scale : top[0];
  float most = top[0];
  for (int j = 1; j < 16; j++) most = top[j] > most ? top[j] : most;
  const v16 shift = CK_(set)(most);
  v16 sum = {0}, mix = {0};
  for (size_t i = 0; i < whole; i += 16) {
    const v16 e = CK_(exp)(CK_(load)(s + i) * factor - shift);
    CK_(store)(s + i, e);
    sum = sum + e;
    mix = CK_(fma16)(e, CK_(load)(g + i), mix);
  }
  if (rest) {
    CK_(store_part)(s + whole, CK_(exp)(CK_(load_part)(s + whole, rest) * factor - shift), rest);
    const v16 e = CK_(load_part)(s + whole, rest);
    sum = sum + e;
    mix = CK_(fma16)(e, CK_(load_part)(g + whole, rest), mix);
  }
  const float inverse = 1.0f / CK_(sum)(sum), mean = CK_(sum)(mix) * inverse;
  for (size_t i = 0; i < whole; i += 16) {
    const v16 w = CK_(load)(s + i) * inverse;
    CK_(store)(s + i, w);
    CK_(store)(g + i, w * (CK_(load)(g + i) - mean) * factor);
  }
  if (rest) {
    const v16 w = CK_(load_part)(s + whole, rest) * inverse;
    CK_(store_part)(s + whole, w, rest);
    CK_(store_part)(g + whole, w * (CK_(load_part)(g + whole, rest) - mean) * factor, rest);
  }
}
