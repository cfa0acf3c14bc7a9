// Linear layers of many rows. For each of the contract's 16 lanes the outputs are an ordinary product over k ≡ lane (mod 16),
// in register tiles of rows × outputs; the 16 results are added in the order of the contract's tree. Unlike tiles that
// hold lanes in registers, these need few numbers from memory per multiply-add.
#include "linear_product.h"

/// A product and the rows of x at hand, packed.
struct packed_product {
  const struct product *of;
  float *x;        // rows m0 ..< m1
  size_t m0, m1;
  size_t steps;    // of 16 numbers of K
  size_t outputs;  // of a task, whole panels of every instruction set
  int isa;         // of the whole product: panels are laid out for its tiles
};

#define INPUT_BYTES 8388608  // of x that is packed at once: it stays in the last cache
#define PANEL_BYTES 393216   // of a task's panels, where more than 32 outputs fit: they stay in the second cache
#define BLOCK_ROWS 96        // rows whose waiting sums stay in the second cache, whole tiles of every instruction set

#define CK_BODY "linear_packed_body.h"
#include "each_isa.h"

static size_t tile_rows(int isa) { return isa >= CK_ISA_V4 ? 12 : isa == CK_ISA_V3 ? 6 : 4; }

static void rows_task(void *context, size_t begin, size_t end) {
  const struct packed_product *p = context;
  CK_CALL_IN(p->isa, pack_rows, p, begin, end);
}

static void outputs_task(void *context, size_t begin, size_t end) {
  const struct packed_product *p = context;
  CK_CALL_IN(p->isa, packed_outputs, p, begin, end);
}

void ck_linear_packed(const struct product *of) {
  struct packed_product p = {.of = of, .steps = (of->K + 15) / 16, .isa = ck_isa()};
  const size_t rows = tile_rows(p.isa), row = 64 * p.steps, threads = (size_t)ck_threads();
  p.outputs = 32 * most(1, least(3, PANEL_BYTES / (32 * (row + 1))));
  if (of->N < p.outputs * 4 * threads) p.outputs = 32;
  const size_t block = multiple(most(1, INPUT_BYTES / (row + 1)), BLOCK_ROWS);
  p.x = ck_scratch(CK_SCRATCH_INPUTS, multiple(least(of->M, block), BLOCK_ROWS) * row);
  for (p.m0 = 0; p.m0 < of->M; p.m0 = p.m1) {
    p.m1 = least(of->M, p.m0 + block);
    const size_t count = p.m1 - p.m0, work = count * p.outputs * (of->K + 1);
    ck_parallel_for((count + rows - 1) / rows, 32768 / (rows * row / 4 + 1) + 1, rows_task, &p);
    ck_parallel_for((of->N + p.outputs - 1) / p.outputs, 65536 / work + 1, outputs_task, &p);
  }
}
