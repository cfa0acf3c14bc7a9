// The kernels of ck_conv.c, once per instruction set.

// Rows and panels of a register tile: with its weights it fills the registers.
#if CK_LEVEL >= 4
#define TILE_ROWS 8
#define TILE_PANELS 2
#elif CK_LEVEL == 3
#define TILE_ROWS 6
#define TILE_PANELS 1
#else
#define TILE_ROWS 2
#define TILE_PANELS 1
#endif

/// out[R results, P panels] = start + gathered rows · panels.
CK_INLINE void CK_(gather)(const struct gather *g, size_t pixel, size_t panel, const size_t R, const size_t P) {
  const ck_taps *t = g->taps;
  const float *rows[TILE_ROWS];
  v16 a[TILE_ROWS][TILE_PANELS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) {
    rows[r] = g->in + t->from[pixel + r];
#pragma clang loop unroll(full)
    for (size_t p = 0; p < P; p++) a[r][p] = g->bias ? CK_(load)(g->bias + (panel + p) * 16) : (v16){0};
  }
  const float *w = g->weights + panel * t->inner * 16;
  for (size_t run = 0; run < t->runs; run++) {
    const size_t offset = (size_t)t->offset[run], end = offset + (size_t)t->length[run];
    for (size_t k = offset; k < end; k++, w += 16) {
      v16 wv[TILE_PANELS];
#pragma clang loop unroll(full)
      for (size_t p = 0; p < P; p++) wv[p] = CK_(load)(w + p * t->inner * 16);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++) {
        const v16 xv = CK_(set)(rows[r][k]);
#pragma clang loop unroll(full)
        for (size_t p = 0; p < P; p++) a[r][p] = CK_(fma16)(xv, wv[p], a[r][p]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++) {
#pragma clang loop unroll(full)
    for (size_t p = 0; p < P; p++) {
      const size_t first = (panel + p) * 16, count = t->outputs - first;
      const size_t at = (size_t)t->to[pixel + r] + first;
      float *to = g->out + at;
      if (count >= 16)
        CK_(store)(to, g->beside ? CK_(load)(g->beside + at) + a[r][p] : a[r][p]);
      else
        CK_(store_part)(to, g->beside ? CK_(load_part)(g->beside + at, count) + a[r][p] : a[r][p], count);
    }
  }
}

CK_NOINLINE void CK_(gather_panels)(const struct gather *g, size_t panel, const size_t P) {
  const size_t pixels = g->taps->pixels;
  size_t i = 0;
#if TILE_PANELS > 1
  if (P == TILE_PANELS) {
    for (; i + TILE_ROWS <= pixels; i += TILE_ROWS) CK_(gather)(g, i, panel, TILE_ROWS, TILE_PANELS);
    for (; i < pixels; i++) CK_(gather)(g, i, panel, 1, TILE_PANELS);
    return;
  }
#endif
  for (; i + TILE_ROWS <= pixels; i += TILE_ROWS) CK_(gather)(g, i, panel, TILE_ROWS, 1);
  for (; i + 2 <= pixels; i += 2) CK_(gather)(g, i, panel, 2, 1);
  for (; i < pixels; i++) CK_(gather)(g, i, panel, 1, 1);
}

/// All results of some images and one group: a panel's weights stay in the cache for all of them.
static void CK_(gather_images)(const struct gather *g) {
  const size_t panels = (g->taps->outputs + 15) / 16;
  for (size_t panel = 0; panel < panels;) {
    const size_t wide = panels - panel >= TILE_PANELS ? TILE_PANELS : 1;
    struct gather one = *g;
    for (size_t i = 0; i < g->images; i++) {
      CK_(gather_panels)(&one, panel, wide);
      one.in += g->in_image, one.out += g->out_image;
      if (one.beside) one.beside += g->out_image;
    }
    panel += wide;
  }
}

/// dw[R, P panels] += Σ over a strip of x[r] · dy[panel].
CK_INLINE void CK_(outer)(float *dw, size_t dw_panel, const struct outer *o, const float *x, const float *dy,
                          const size_t R, const size_t P) {
  v16 a[TILE_ROWS][TILE_PANELS] = {{{0}}};
  for (size_t image = 0; image < o->images; image++) {
    const float *xi = x + image * o->x_image, *gi = dy + image * o->dy_image;
    for (size_t i = 0; i < o->pixels; i++) {
      const float *xp = xi + o->x_at[i], *gp = gi + o->dy_at[i];
      v16 gv[TILE_PANELS];
#pragma clang loop unroll(full)
      for (size_t p = 0; p < P; p++) gv[p] = CK_(load)(gp + p * o->dy_panel);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < R; r++) {
        const v16 xv = CK_(set)(xp[r]);
#pragma clang loop unroll(full)
        for (size_t p = 0; p < P; p++) a[r][p] = CK_(fma16)(xv, gv[p], a[r][p]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < R; r++)
#pragma clang loop unroll(full)
    for (size_t p = 0; p < P; p++) {
      float *to = dw + p * dw_panel + r * 16;
      CK_(store)(to, CK_(load)(to) + a[r][p]);
    }
}

CK_INLINE void CK_(outer_tile)(float *dw, size_t dw_panel, const struct outer *o, const float *x, const float *dy,
                               const size_t R, size_t P) {
#if TILE_PANELS > 1
  if (P == TILE_PANELS) {
    CK_(outer)(dw, dw_panel, o, x, dy, R, TILE_PANELS);
    return;
  }
#endif
  CK_(outer)(dw, dw_panel, o, x, dy, R, 1);
}

/// Rows of the tile that follows `done` of `length`.
CK_INLINE size_t CK_(tile_rows)(size_t done, size_t length) {
  return length - done >= TILE_ROWS ? TILE_ROWS : length - done >= 2 ? 2 : 1;
}

/// Packs a strip: its gradients as [panels][images][pixels][16], x as tiles [images][pixels][TILE_ROWS].
static void CK_(pack_strip)(struct outer *o, const ck_taps *t, size_t panels) {
  const size_t pixels = o->images * o->pixels;
  size_t tiles = 0;
  for (size_t run = 0; run < t->runs; run++) tiles += (size_t)t->length[run] / TILE_ROWS + TILE_ROWS;
  float *to = ck_scratch(CK_SCRATCH_PANEL, pixels * (panels * 16 + tiles * TILE_ROWS + 2) * sizeof(float));
  const float *dy = o->dy, *x = o->x;
  o->dy = to;
  for (size_t panel = 0; panel < panels; panel++)
    for (size_t image = 0; image < o->images; image++)
      for (size_t i = 0; i < o->pixels; i++, to += 16)
        CK_(store)(to, CK_(load)(dy + image * o->dy_image + o->dy_at[i] + panel * 16));
  o->x = to;
  for (size_t run = 0; run < t->runs; run++) {
    const size_t length = (size_t)t->length[run];
    for (size_t k = 0, rows; k < length; k += rows) {
      rows = CK_(tile_rows)(k, length);
      for (size_t image = 0; image < o->images; image++)
        for (size_t i = 0; i < o->pixels; i++, to += TILE_ROWS) {
          const float *from = x + image * o->x_image + o->x_at[i] + t->offset[run] + k;
          for (size_t r = 0; r < rows; r++) to[r] = from[r];
        }
    }
  }
  int32_t *at = (int32_t *)to;
  for (size_t i = 0; i < o->pixels; i++) {
    at[i] = (int32_t)(i * TILE_ROWS);
    at[o->pixels + i] = (int32_t)(i * 16);
  }
  o->x_at = at;
  o->dy_at = at + o->pixels;
  o->x_image = o->pixels * TILE_ROWS;
  o->dy_image = o->pixels * 16;
  o->dy_panel = pixels * 16;
}

/// dw[panels][inner][16] += the gradient of some images and one group; x and dy lie in their frames.
static void CK_(outer_images)(float *dw, const ck_conv *c, const float *x, const float *dy, size_t images) {
  const ck_taps *t = &c->forward;
  const size_t panels = (t->outputs + 15) / 16, strip = strip_of(c), dw_panel = t->inner * 16;
  // Many channels lie far apart, where every number costs a page and a line of its own.
  const int packs = panels > 4;
  for (size_t row = 0; row < c->out_height; row += strip) {
    const size_t first = row * c->out_width;
    struct outer o = {.images = images,
                      .pixels = least(strip, c->out_height - row) * c->out_width,
                      .x = x,
                      .x_at = t->from + first,
                      .x_image = c->input_image,
                      .dy = dy,
                      .dy_at = c->gradient_at + first,
                      .dy_image = c->gradient_image,
                      .dy_panel = 16};
    if (packs) CK_(pack_strip)(&o, t, panels);
    for (size_t panel = 0, wide; panel < panels; panel += wide) {
      wide = panels - panel >= TILE_PANELS ? TILE_PANELS : 1;
      float *to = dw + panel * dw_panel;
      const float *tile = o.x;
      for (size_t run = 0; run < t->runs; run++) {
        const size_t length = (size_t)t->length[run];
        for (size_t k = 0, rows; k < length; k += rows, to += rows * 16) {
          rows = CK_(tile_rows)(k, length);
          const float *from = packs ? tile : o.x + t->offset[run] + k, *gradient = o.dy + panel * o.dy_panel;
          tile += images * o.x_image;
          if (rows == TILE_ROWS) CK_(outer_tile)(to, dw_panel, &o, from, gradient, TILE_ROWS, wide);
          else if (rows == 2) CK_(outer_tile)(to, dw_panel, &o, from, gradient, 2, wide);
          else CK_(outer_tile)(to, dw_panel, &o, from, gradient, 1, wide);
        }
      }
    }
  }
}

#undef TILE_ROWS
#undef TILE_PANELS
