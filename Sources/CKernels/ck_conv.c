#include "ck_conv.h"

#include <string.h>

#include "ck_pool.h"
#include "scratch.h"

/// The product of some images and one group.
struct gather {
  float *out;
  const float *in, *weights, *bias;
  const float *beside;  // what is added, laid out as out; NULL for nothing
  const ck_taps *taps;
  size_t images, in_image, out_image;
};

/// The outputs of one strip of rows of some images: where their first taps and their gradients lie.
struct outer {
  size_t images, pixels;
  const int32_t *x_at, *dy_at;
  size_t x_image, dy_image, dy_panel;
  const float *x, *dy;
};

#define STRIP_BYTES 24576  // of a strip that should stay in the first cache
#define PAST 16            // floats that vectors may read beyond an image's last number
#define BLOCK_BYTES 327680  // of frames of small images that are worked on together
#define BLOCK_PIXELS 256

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

/// Rows of outputs of a strip: a function of the shape alone, since it decides the order of a sum.
static size_t strip_of(const ck_conv *c) {
  const size_t row =
    4 * (c->stride_height * c->input.columns * c->channels + c->gradient.columns * least(16, c->outputs));
  return row >= STRIP_BYTES ? 1 : STRIP_BYTES / row;
}

/// Images that are worked on together, so that weights are not fetched for a few pixels; also of the shape alone.
static size_t block_of(const ck_conv *c) {
  if (strip_of(c) < c->out_height) return 1;
  const size_t fit = BLOCK_BYTES / (4 * c->input_image + 1), few = BLOCK_PIXELS / (c->out_height * c->out_width);
  return fit == 0 || few == 0 ? 1 : least(fit, few);
}

#define CK_BODY "conv_body.h"
#include "each_isa.h"

/// Puts an image [height, width, channels] into its frame.
static void put_in_frame(float *to, const ck_frame *f, const float *from, size_t height, size_t width,
                         size_t channels) {
  const size_t row = f->columns * channels, left = f->left * channels, body = width * channels;
  const size_t right = row - left - body;
  float *at = to;
  memset(at, 0, (f->top * row + left) * sizeof(float));
  at += f->top * row + left;
  for (size_t y = 0; y < height; y++, from += body) {
    memcpy(at, from, body * sizeof(float));
    at += body;
    const size_t gap = y + 1 < height ? right + left : right;
    memset(at, 0, gap * sizeof(float));
    at += gap;
  }
  memset(at, 0, (size_t)(to + f->rows * row + PAST - at) * sizeof(float));
}

struct pass {
  const ck_conv *c;
  float *y, *dx, *parts;
  const float *x, *dy, *weights, *bias, *beside;
  size_t n, chunks;
  int add;
};

/// `images` images in their frames; the images themselves where the frame adds nothing.
static const float *framed(int slot, const ck_frame *f, const float *from, size_t images, size_t height, size_t width,
                           size_t channels) {
  if (f->rows == height && f->columns == width) return from;
  const size_t size = f->rows * f->columns * channels;
  float *to = ck_scratch(slot, (images * size + PAST) * sizeof(float));
  for (size_t i = 0; i < images; i++)
    put_in_frame(to + i * size, f, from + i * height * width * channels, height, width, channels);
  return to;
}

static void forward_task(void *context, size_t begin, size_t end) {
  const struct pass *p = context;
  const ck_conv *c = p->c;
  const size_t in = c->channels / c->groups, out = c->outputs / c->groups, block = block_of(c);
  const size_t x_image = c->height * c->width * c->channels, y_image = c->out_height * c->out_width * c->outputs;
  for (size_t i = begin; i < end; i += block) {
    const size_t images = least(block, end - i);
    const float *x = framed(CK_SCRATCH_IMAGE, &c->input, p->x + i * x_image, images, c->height, c->width, c->channels);
    for (size_t group = 0; group < c->groups; group++) {
      const struct gather g = {.out = p->y + i * y_image + group * out, .in = x + group * in,
                               .weights = p->weights + group * c->forward_group,
                               .bias = p->bias ? p->bias + group * ((out + 15) / 16 * 16) : NULL,
                               .beside = p->beside ? p->beside + i * y_image + group * out : NULL,
                               .taps = &c->forward, .images = images, .in_image = c->input_image,
                               .out_image = y_image};
      CK_CALL(gather_images, &g);
    }
  }
}

void ck_conv_forward(float *y, const float *x, const float *beside, const float *weights, const float *bias,
                     const ck_conv *c, size_t n) {
  struct pass p = {.c = c, .y = y, .x = x, .weights = weights, .bias = bias, .beside = beside, .n = n};
  const size_t work = c->out_height * c->out_width * c->forward.inner * c->outputs, block = block_of(c);
  ck_parallel_for(n, (65536 / (work + 1) / block + 1) * block, forward_task, &p);
}

static void backward_task(void *context, size_t begin, size_t end) {
  const struct pass *p = context;
  const ck_conv *c = p->c;
  const size_t in = c->channels / c->groups, out = c->outputs / c->groups, block = block_of(c);
  const size_t x_image = c->height * c->width * c->channels, y_image = c->out_height * c->out_width * c->outputs;
  const size_t part = c->groups * c->forward_group;
  for (size_t chunk = begin; chunk < end; chunk++) {
    float *dw = p->parts + chunk * part;
    memset(dw, 0, part * sizeof(float));
    const size_t last = (chunk + 1) * p->n / p->chunks;
    for (size_t i = chunk * p->n / p->chunks; i < last; i += block) {
      const size_t images = least(block, last - i);
      const float *x =
        framed(CK_SCRATCH_IMAGE, &c->input, p->x + i * x_image, images, c->height, c->width, c->channels);
      // Always a copy: vectors read up to 16 channels, also of the last pixel.
      float *dy = ck_scratch(CK_SCRATCH_GRADIENT, (images * c->gradient_image + PAST) * sizeof(float));
      for (size_t k = 0; k < images; k++)
        put_in_frame(dy + k * c->gradient_image, &c->gradient, p->dy + (i + k) * y_image, c->out_height, c->out_width,
                     c->outputs);
      for (size_t group = 0; group < c->groups; group++) {
        CK_CALL(outer_images, dw + group * c->forward_group, c, x + group * in, dy + group * out, images);
        for (size_t phase = 0; phase < c->phases && p->dx; phase++) {
          float *dx = p->dx + i * x_image + group * in;
          const struct gather g = {.out = dx, .in = dy + group * out, .beside = p->add ? dx : NULL,
                                   .weights = p->weights + group * c->backward_group + c->backward[phase].weights,
                                   .taps = &c->backward[phase], .images = images, .in_image = c->gradient_image,
                                   .out_image = x_image};
          CK_CALL(gather_images, &g);
        }
      }
    }
  }
}

void ck_conv_backward(float *dx, float *parts, const float *dy, const float *x, const float *backward_weights,
                      const ck_conv *c, size_t n, size_t chunks, int add) {
  struct pass p = {.c = c, .dx = dx, .parts = parts, .dy = dy, .x = x, .weights = backward_weights, .n = n,
                   .chunks = chunks, .add = add};
  ck_parallel_for(chunks, 1, backward_task, &p);
}

void ck_conv_pack(float *packed, const float *weights, const int32_t *map, size_t count) {
  for (size_t i = 0; i < count; i++) packed[i] = map[i] < 0 ? 0 : weights[map[i]];
}

void ck_conv_unpack(float *weights, const float *parts, const int32_t *map, size_t count, size_t chunks) {
  for (size_t i = 0; i < count; i++) {
    if (map[i] < 0) continue;
    float sum = parts[i];
    for (size_t chunk = 1; chunk < chunks; chunk++) sum += parts[chunk * count + i];
    weights[map[i]] = sum;
  }
}
