// Stored weights as f32, once per instruction set (see each_isa.h). No include guard on purpose.

/// One element as f32.
CK_INLINE float CK_(element)(const ck_matrix *w, size_t index) {
  if (w->type == CK_F32) return ((const float *)w->data)[index];
  uint16_t bits[16] = {((const uint16_t *)w->data)[index]};
  return w->type == CK_BF16 ? CK_(widen_bf16)(bits)[0] : CK_(widen_f16)(bits)[0];
}

/// Elements `index ..< index + 16` as f32.
CK_INLINE v16 CK_(elements)(const ck_matrix *w, size_t index) {
  if (w->type == CK_F32) return CK_(load)((const float *)w->data + index);
  const uint16_t *p = (const uint16_t *)w->data + index;
  return w->type == CK_BF16 ? CK_(widen_bf16)(p) : CK_(widen_f16)(p);
}

/// Elements `index ..< index + count`, the other lanes +0.
CK_INLINE v16 CK_(elements_part)(const ck_matrix *w, size_t index, size_t count) {
  if (w->type == CK_F32) return CK_(load_part)((const float *)w->data + index, count);
  uint16_t lanes[16] = {0};
  const uint16_t *p = (const uint16_t *)w->data + index;
  for (size_t i = 0; i < count; i++) lanes[i] = p[i];
  return w->type == CK_BF16 ? CK_(widen_bf16)(lanes) : CK_(widen_f16)(lanes);
}

/// The stored rows k ..< k + 16 of a transposed W: in a[j] the weights of the outputs at[0 ..< there], 0 past them and past K.
CK_INLINE void CK_(stored_rows)(v16 *a, const struct product *of, const size_t *at, size_t there, size_t k) {
  for (size_t j = 0; j < 16; j++) {
    const size_t row = (k + j) * of->w.stride;
    if (k + j >= of->K || !there) {
      a[j] = CK_(set)(0);
    } else if (of->selected) {
      float lanes[16] = {0};
      for (size_t i = 0; i < there; i++) lanes[i] = CK_(element)(&of->w, row + at[i]);
      a[j] = CK_(load)(lanes);
    } else {
      a[j] = there == 16 ? CK_(elements)(&of->w, row + at[0]) : CK_(elements_part)(&of->w, row + at[0], there);
    }
  }
}
