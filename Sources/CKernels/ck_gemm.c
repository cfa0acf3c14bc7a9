#include "ck_gemm.h"

#include "ck_pool.h"
#include "scratch.h"

/// One product, and the stripe of it at hand: columns n0 ..< n1 over k0 ..< k1.
struct gemm {
  float *c;
  ck_dense a, b;
  size_t c_stride, M, N, K;
  int accumulates;
  size_t n0, n1, k0, k1;
  float *panels;         // B's stripe, packed
  size_t rows_per_task;  // whole tiles
  int isa;               // of the whole product: panels are laid out for its tiles
};

#define STRIPE_BYTES 4194304  // of B that is packed at once: it stays in the last cache
#define BLOCK_K 320           // longest stretch of K of a tile: its panel stays in the first cache
#define MOST_ROWS 96          // of one task: A's block stays in the second cache

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t most(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t multiple(size_t n, size_t of) { return (n + of - 1) / of * of; }
/// The size of equal parts of n, each at most `limit`.
static inline size_t part_of(size_t n, size_t limit) {
  const size_t parts = (n + limit - 1) / limit;
  return (n + parts - 1) / parts;
}

#define CK_BODY "gemm_body.h"
#include "each_isa.h"

static void pack_task(void *context, size_t begin, size_t end) {
  const struct gemm *g = context;
  CK_CALL_IN(g->isa, gemm_pack, context, begin, end);
}

static void rows_task(void *context, size_t begin, size_t end) {
  const struct gemm *g = context;
  CK_CALL_IN(g->isa, gemm_rows, context, begin, end);
}

void ck_gemm(float *c, size_t c_stride, ck_dense a, ck_dense b, int accumulates, size_t M, size_t N, size_t K) {
  if (M == 0 || N == 0) return;
  struct gemm g = {.c = c, .a = a, .b = b, .c_stride = c_stride, .M = M, .N = N, .K = K, .accumulates = accumulates,
                   .isa = ck_isa()};
  // Stripes are cut by sizes alone. B is packed for a stretch of K as long as the stripe's bytes allow, at 16 columns
  // or more; then tasks take rows of A and keep their part of C near.
  const size_t depth = K == 0 ? 0 : part_of(K, most(BLOCK_K, STRIPE_BYTES / 4 / multiple(least(N, 512), 32)));
  const size_t width = multiple(part_of(N, most(32, STRIPE_BYTES / 4 / (depth + 1) / 32 * 32)), 32);
  g.panels = ck_scratch(CK_SCRATCH_STRIPE, multiple(least(N, width), 32) * (depth + 16) * sizeof(float));
  // Whole tiles of every instruction set, as many tasks as threads can share evenly; the bits do not depend on it.
  const size_t threads = (size_t)ck_threads(), rounds = (M + threads * MOST_ROWS - 1) / (threads * MOST_ROWS);
  g.rows_per_task = multiple((M + threads * rounds - 1) / (threads * rounds), 12);
  for (size_t n = 0; n < N; n += width) {
    g.n0 = n, g.n1 = least(N, n + width);
    for (size_t k = 0; k < K || k == 0; k += depth) {
      g.k0 = k, g.k1 = least(K, k + depth);
      const size_t columns = g.n1 - g.n0, length = g.k1 - g.k0;
      ck_parallel_for((columns + 31) / 32, 16384 / (32 * length + 1) + 1, pack_task, &g);
      const size_t work = g.rows_per_task * columns * (length + 1);
      ck_parallel_for((M + g.rows_per_task - 1) / g.rows_per_task, 65536 / work + 1, rows_task, &g);
      if (K == 0) break;
    }
  }
}
