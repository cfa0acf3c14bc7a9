#include "ck_attention.h"

#include <math.h>

#include "ck_pool.h"
#include "scratch.h"

struct attention {
  float *out;
  const float *q, *k, *v;
  size_t out_stride, q_stride, k_stride, v_stride;
  ck_attention_options o;
  size_t Tq, Tk, H, KV, hd;
  size_t queries_per_task, tasks_per_head;
};

/// One row of a task: a query of one head, and its visible keys.
struct row {
  size_t query, head, first, last;
};

#define KEY_TILE 64
#define MOST_ROWS 64

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t most(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t multiple(size_t n, size_t of) { return (n + of - 1) / of * of; }

static struct row visible(const struct attention *a, size_t query, size_t head) {
  struct row r = {query, head, 0, a->Tk};
  if (!a->o.causal) return r;
  r.last = a->Tk - a->Tq + query + 1;
  if (a->o.window > 0 && r.last > a->o.window) r.first = r.last - a->o.window;
  return r;
}

#define CK_BODY "attention_body.h"
#include "each_isa.h"

static void attention_task(void *context, size_t begin, size_t end) {
  for (size_t t = begin; t < end; t++) CK_CALL(attend, context, t);
}

void ck_attention(float *out, size_t out_stride, const float *q, size_t q_stride, const float *k, size_t k_stride,
                  const float *v, size_t v_stride, ck_attention_options options, size_t Tq, size_t Tk, size_t H,
                  size_t KV, size_t hd) {
  if (Tq == 0 || H == 0 || hd == 0) return;
  struct attention a = {out, q, k, v, out_stride, q_stride, k_stride, v_stride, options, Tq, Tk, H, KV, hd, 0, 0};
  // A task's scores stay in the second cache where they can.
  const size_t rows = least(32, most(4, 131072 / (Tk + 1)));
  a.queries_per_task = most(1, rows / (H / KV));
  a.tasks_per_head = (Tq + a.queries_per_task - 1) / a.queries_per_task;
  const size_t work = a.queries_per_task * (H / KV) * Tk * hd;
  ck_parallel_for(KV * a.tasks_per_head, 16384 / (work + 1) + 1, attention_task, &a);
}
