#include "ck_activation.h"

#include "ck_pool.h"

struct elements {
  float *y;
  const float *x, *up;
  size_t y_stride, x_stride, up_stride, width;
  int function;
};

struct slopes {
  float *dx, *dup;
  const float *dy, *x, *up;
  int function;
};

#define CK_BODY "activation_body.h"
#include "each_isa.h"

static void rows_task(void *context, size_t begin, size_t end) {
  const struct elements *e = context;
  for (size_t m = begin; m < end; m++)
    CK_CALL(activate_row, e->y + m * e->y_stride, e->x + m * e->x_stride,
            e->up ? e->up + m * e->up_stride : NULL, e->function, e->width);
}

static void flat_task(void *context, size_t begin, size_t end) {
  const struct elements *e = context;
  CK_CALL(activate_row, e->y + begin, e->x + begin, NULL, e->function, end - begin);
}

void ck_activate(float *y, const float *x, int function, size_t n) {
  struct elements e = {.y = y, .x = x, .function = function};
  ck_parallel_for(n, 8192, flat_task, &e);
}

void ck_activate_gated(float *y, size_t y_stride, const float *gate, size_t gate_stride, const float *up,
                       size_t up_stride, int function, size_t M, size_t F) {
  struct elements e = {y, gate, up, y_stride, gate_stride, up_stride, F, function};
  if (F > 0) ck_parallel_for(M, 8192 / F + 1, rows_task, &e);
}

static void slopes_task(void *context, size_t begin, size_t end) {
  const struct slopes *s = context;
  CK_CALL(activate_back, s->dx + begin, s->up ? s->dup + begin : NULL, s->dy + begin, s->x + begin,
          s->up ? s->up + begin : NULL, s->function, end - begin);
}

void ck_activate_backward(float *dx, const float *dy, const float *x, int function, size_t n) {
  struct slopes s = {dx, NULL, dy, x, NULL, function};
  ck_parallel_for(n, 8192, slopes_task, &s);
}

void ck_activate_gated_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up,
                                int function, size_t n) {
  struct slopes s = {dgate, dup, dy, gate, up, function};
  ck_parallel_for(n, 8192, slopes_task, &s);
}

static void add_task(void *context, size_t begin, size_t end) {
  const struct elements *e = context;
  float *y = e->y;
  const float *x = e->x;
  for (size_t i = begin; i < end; i++) y[i] += x[i];
}

void ck_add(float *y, const float *x, size_t n) {
  struct elements e = {.y = y, .x = x};
  ck_parallel_for(n, 16384, add_task, &e);
}

void ck_axpy(float *y, float a, const float *x, size_t n) { CK_CALL(axpy, y, a, x, n); }

void ck_add_outer(float *y, size_t y_stride, const float *a, const float *b, size_t M, size_t N) {
  for (size_t m = 0; m < M; m++) CK_CALL(axpy, y + m * y_stride, a[m], b, N);
}
