#include "ck_isa.h"

#include <stdatomic.h>

static _Atomic int current;

int ck_best_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) {
    return __builtin_cpu_supports("avx512bf16") ? CK_ISA_V4_BF16 : CK_ISA_V4;
  }
  if (__builtin_cpu_supports("x86-64-v3")) return CK_ISA_V3;
#endif
  return CK_ISA_BASE;
}

int ck_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa == 0) {
    isa = ck_best_isa();
    atomic_store_explicit(&current, isa, memory_order_relaxed);
  }
  return isa;
}

int ck_set_isa(int isa) {
  const int known = isa == CK_ISA_BASE || (isa >= CK_ISA_V3 && isa <= CK_ISA_V4_BF16);
  if (!known || isa > ck_best_isa()) return -1;
  atomic_store_explicit(&current, isa, memory_order_relaxed);
  return 0;
}

const char *ck_isa_name(int isa) {
  if (isa == CK_ISA_V4_BF16) return "x86-64-v4+avx512bf16";
  if (isa == CK_ISA_V4) return "x86-64-v4";
  if (isa == CK_ISA_V3) return "x86-64-v3";
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "portable";
#endif
}
