// What the files of linear layers share: one product and small arithmetic.
#ifndef LINEAR_PRODUCT_H
#define LINEAR_PRODUCT_H
#include "ck_isa.h"
#include "ck_linear.h"
#include "ck_pool.h"
#include "scratch.h"

/// What every task of one product needs.
struct product {
  float *y;
  const float *x;
  const float *bias;
  const int64_t *selected;
  ck_matrix w;
  size_t y_stride, x_stride, M, N, K;
};

#define FEW_COLUMNS 4  // rows up to which transposed weights are used as they lie

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t most(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t multiple(size_t n, size_t of) { return (n + of - 1) / of * of; }
/// W's row, and the bias, of column n of y.
static inline size_t output_of(const struct product *p, size_t n) {
  return p->selected ? (size_t)p->selected[n] : n;
}

/// Up to so many rows weights are used as they lie, beyond they are packed: with half the registers and lanes, packing
/// pays sooner. Which way a product goes changes no bit of it.
static inline size_t few_rows(int isa) { return isa >= CK_ISA_V4 ? 40 : 16; }

#define MOST_TILED 1024  // K up to which half the lanes of a tile's rows and outputs stay in the first cache

/// The product with x and W laid out for register tiles that hold lanes, for many rows and K up to MOST_TILED.
void ck_linear_tiled(const struct product *p);

/// The product with x and W packed for register tiles of one lane, for many rows.
void ck_linear_packed(const struct product *p);

#endif
