#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct slots {
  void *memory[CK_SCRATCH_SLOTS];
  size_t bytes[CK_SCRATCH_SLOTS];
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct slots *mine;

static void release(void *argument) {
  struct slots *slots = argument;
  for (int i = 0; i < CK_SCRATCH_SLOTS; i++) free(slots->memory[i]);
  free(slots);
}

static void make_key(void) { pthread_key_create(&key, release); }

static void *required(void *memory) {
  if (memory) return memory;
  fputs("surgeon: out of memory for a kernel's scratch\n", stderr);
  abort();
}

void *ck_scratch(int slot, size_t bytes) {
  if (!mine) {
    pthread_once(&once, make_key);
    mine = required(calloc(1, sizeof *mine));
    pthread_setspecific(key, mine);
  }
  if (mine->bytes[slot] < bytes) {
    free(mine->memory[slot]);
    const size_t size = (bytes + bytes / 4 + 4095) & ~(size_t)4095;
    mine->memory[slot] = required(aligned_alloc(64, size));
    mine->bytes[slot] = size;
  }
  return mine->memory[slot];
}
