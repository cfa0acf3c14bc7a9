// Linear layers of many rows and not too many inputs: x and the weights are laid out for register tiles that hold the
// contract's lanes of a few rows and outputs, half of them at a time with AVX2, so that a sum's 16 chains end in
// registers.
#include "linear_product.h"

/// A product, the rows of x at hand, laid out, and how the work is cut.
struct tiled_product {
  const struct product *of;
  float *x;        // rows m0 ..< m1
  size_t m0, m1;
  size_t steps;    // of 16 numbers of K
  size_t panels;   // of OUTPUTS outputs that are taken at a time
  size_t tiles;    // of rows that are taken at a time
  size_t outputs;  // of a task, a multiple of 16
  size_t columns;  // tasks that share their rows
  size_t blocks;   // of a task, of `tiles` tiles each
  int isa;         // of the whole product: panels are laid out for its tiles
};

#define OUTPUTS 4            // of a register tile and a panel
#define INPUT_BYTES 8388608  // of x that is laid out at once: it stays in the last cache
#define BLOCK_BYTES 262144   // of x that is taken at a time, and
#define PANEL_BYTES 196608   // of a task's panels, where more than 16 outputs fit: both stay in the second cache
#define GROUP_STEPS 144      // of the panels that are taken at a time: one part of their lanes stays in the first cache
#define BLOCK_ROWS 96        // most rows of a block, whole tiles of every instruction set
#define TASK_ROWS 256        // least rows of a task, where there are as many: laying out its panels costs little beside

#define CK_BODY "linear_tiled_body.h"
#include "each_isa.h"

static size_t tile_rows(int isa) { return isa >= CK_ISA_V4 ? 6 : 3; }

static void rows_task(void *context, size_t begin, size_t end) {
  const struct tiled_product *p = context;
  CK_CALL_IN(p->isa, tile_rows, p, begin, end);
}

static void part_task(void *context, size_t begin, size_t end) {
  const struct tiled_product *p = context;
  CK_CALL_IN(p->isa, tiled_part, p, begin, end);
}

/// n in the fewest parts of at most `most_of`, as equal as multiples of `unit` allow: the size of a part.
static size_t equal_parts(size_t n, size_t most_of, size_t unit) {
  const size_t parts = most(1, (n + most_of - 1) / most_of);
  return most(unit, multiple((n + parts - 1) / parts, unit));
}

/// How the rows at hand are cut into tasks: 8 for each thread where that leaves them TASK_ROWS rows, at least 4 in any
/// case where there are outputs for them.
/// - Returns: the number of tasks.
static size_t cut_rows(struct tiled_product *p, size_t block, size_t threads) {
  const size_t N = p->of->N, blocks = (p->m1 - p->m0 + block - 1) / block;
  p->outputs = equal_parts(N, most(16, PANEL_BYTES / (64 * p->steps + 1)), 16);
  p->columns = (N + p->outputs - 1) / p->outputs;
  p->blocks = equal_parts(blocks, most(blocks * p->columns / (8 * threads), TASK_ROWS / block), 1);
  const size_t parts = (blocks + p->blocks - 1) / p->blocks;
  if (p->columns * parts < 4 * threads) {
    p->outputs = equal_parts(N, most(16, N * parts / (4 * threads)), 16);
    p->columns = (N + p->outputs - 1) / p->outputs;
  }
  return p->columns * parts;
}

void ck_linear_tiled(const struct product *of) {
  struct tiled_product p = {.of = of, .steps = (of->K + 15) / 16, .isa = ck_isa()};
  const size_t rows = tile_rows(p.isa), row = 64 * p.steps, threads = (size_t)ck_threads();
  p.panels = most(1, GROUP_STEPS / (p.steps + 1));
  p.tiles = most(1, least(BLOCK_ROWS, BLOCK_BYTES / (row + 1)) / rows);
  const size_t block = p.tiles * rows, at_once = multiple(most(1, INPUT_BYTES / (row + 1)), block);
  p.x = ck_scratch(CK_SCRATCH_INPUTS, multiple(least(of->M, at_once), block) * row);
  for (p.m0 = 0; p.m0 < of->M; p.m0 = p.m1) {
    p.m1 = least(of->M, p.m0 + at_once);
    const size_t count = p.m1 - p.m0, tasks = cut_rows(&p, block, threads);
    const size_t work = least(count, p.blocks * block) * p.outputs * (of->K + 1);
    ck_parallel_for((count + rows - 1) / rows, 32768 / (rows * row / 4 + 1) + 1, rows_task, &p);
    ck_parallel_for(tasks, 65536 / work + 1, part_task, &p);
  }
}
