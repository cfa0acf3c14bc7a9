// Convolutions of images, channels last, forward and backward.
//
// An image is [height, width, channels]; a signal is an image of height 1. Every image of a batch is put into a frame
// of zeros in a thread's scratch, where each output's taps are a few contiguous runs of numbers, the same for every
// output: a product of gathered rows and packed weights without the gathered matrix.
//
// The number contract. An output is one chain of fused multiply-adds over its taps in packed order, from its bias or +0;
// so is a gradient by the input. A gradient by a weight is one chain over the outputs of each strip of rows, where small
// images form one strip together; the strips' sums are added in order, then chunk after chunk of the batch. Strips and
// chunks follow from the shapes. So the bits depend neither on the threads nor on the instruction set, and an output
// not on the batch.
#ifndef CK_CONV_H
#define CK_CONV_H
#include <stddef.h>
#include <stdint.h>

/// Where an image lies in zeros: its first pixel at row `top`, column `left` of [rows, columns].
typedef struct {
  size_t rows, columns, top, left;
} ck_frame;

/// For `pixels` results: result i is the product of the numbers at in[from[i] + offset[r] ..< + length[r]], run after
/// run, with packed weights [panels][inner][16]; it goes to out[to[i]].
typedef struct {
  size_t pixels;
  const int32_t *from, *to;
  size_t runs;
  const int32_t *offset, *length;
  size_t inner;    ///< Σ length
  size_t outputs;  ///< of a group; panels are (outputs + 15) / 16
  size_t weights;  ///< where the weights of these taps begin in those of a group, in floats
} ck_taps;

/// A convolution with everything that follows from its shape.
typedef struct {
  size_t height, width, channels;         ///< of an input
  size_t out_height, out_width, outputs;  ///< of an output
  size_t groups;
  size_t stride_height;
  ck_frame input, gradient;  ///< frames of an input and of an output's gradient
  size_t input_image, gradient_image;  ///< floats of such a frame
  const int32_t *gradient_at;  ///< where an output's gradient lies in its frame
  ck_taps forward;
  size_t forward_group;   ///< floats of packed weights a group
  size_t phases;          ///< inputs are visited by their place modulo the stride
  const ck_taps *backward;
  size_t backward_group;
} ck_conv;

/// y[n, out_height, out_width, outputs] = x[n, height, width, channels] * weights + bias[groups, panels · 16], and then +
/// beside[n, ...]; bias and beside may be NULL. `weights` are packed [groups][panels][inner][16].
void ck_conv_forward(float *y, const float *x, const float *beside, const float *weights, const float *bias,
                     const ck_conv *c, size_t n);

/// Gradients from dy[n, ...]: dx[n, ...] unless NULL, of weights packed for `backward`, added to what is there with
/// `add`; and parts[chunks] of the weights' gradients, packed as for `forward`, to be added up in order. x is the input
/// of the forward pass.
void ck_conv_backward(float *dx, float *parts, const float *dy, const float *x, const float *backward_weights,
                      const ck_conv *c, size_t n, size_t chunks, int add);

/// packed[i] = map[i] < 0 ? 0 : weights[map[i]].
void ck_conv_pack(float *packed, const float *weights, const int32_t *map, size_t count);

/// weights[map[i]] = Σ over chunks of parts[chunk][i], in order, where map[i] >= 0.
void ck_conv_unpack(float *weights, const float *parts, const int32_t *map, size_t count, size_t chunks);

#endif
