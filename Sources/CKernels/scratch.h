// Memory that a thread keeps for its kernels, so that no inner loop allocates.
#ifndef SCRATCH_H
#define SCRATCH_H
#include <stddef.h>

enum {
  CK_SCRATCH_PANEL, CK_SCRATCH_LANES, CK_SCRATCH_ROWS, CK_SCRATCH_SCORES, CK_SCRATCH_KEYS, CK_SCRATCH_IMAGE,
  CK_SCRATCH_GRADIENT, CK_SCRATCH_STRIPE, CK_SCRATCH_BLOCK, CK_SCRATCH_WEIGHTS,
  CK_SCRATCH_INPUTS, CK_SCRATCH_SLOTS
};

/// At least `bytes` bytes aligned to 64, this thread's own for that slot until it asks again; contents undefined.
void *ck_scratch(int slot, size_t bytes);

#endif
