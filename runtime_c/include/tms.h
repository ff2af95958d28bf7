/* SPDX-License-Identifier: 0BSD
 *
 * TinyML Studio's runtime: plain C99 kernels, no malloc, no stdio, no globals. The caller owns
 * all memory. Sizes are checked by the compiler that wrote the call; kernels run blind.
 *
 * Contents
 *   rows                 how a kernel sees a tensor
 *   int8                 convolution, dense, arithmetic, pooling, tables, softmax
 *   float32              the same in float; same bytes on every machine
 *   both                 padding, concatenation, transposition, quantise, dequantise
 *   models               what generated code offers to a firmware
 *
 * Names: tms_<operator>_<dtype>. A suffix _dr rounds twice when it rescales (TFLite Micro,
 * CMSIS-NN); without it, once. real = scale * (stored - zero_point).
 */
#ifndef TMS_H
#define TMS_H

#include <stddef.h>
#include <stdint.h>

#define TMS_VERSION 1
#define TMS_INFINITY __builtin_inff()

/* ---- rows -----------------------------------------------------------------------------------
 * A tensor is rows of width * channels elements; row y lies at base + (y mod height) * stride.
 * The whole tensor has height = its own height; a ring buffer has fewer. stride is in bytes.
 * A spatial kernel computes output rows [y0, y1) and reads the input rows that they need. */
typedef struct {
  const void *base;
  int32_t height;
  int32_t stride;
} tms_in;

typedef struct {
  void *base;
  int32_t height;
  int32_t stride;
} tms_out;

/* Geometry of a sliding window over [in_h][in_w][in_c]; padding is what lies outside. */
typedef struct {
  int16_t in_h, in_w, in_c;
  int16_t out_h, out_w, out_c;
  int16_t kernel_h, kernel_w;
  int16_t stride_h, stride_w;
  int16_t dilation_h, dilation_w;
  int16_t pad_top, pad_left;
  int16_t groups;
} tms_window;

/* ---- int8 -----------------------------------------------------------------------------------
 * acc = bias + sum (x + in_offset) * w;  y = clamp(rescale(acc) + out_offset, act_min, act_max)
 * rescale multiplies by multiplier * 2^(shift - 31), per output channel; shift > 0 is to the left. */
typedef struct {
  tms_window window;
  int16_t in_offset, out_offset, act_min, act_max;
  const int8_t *weights;     /* [out_c][kernel_h][kernel_w][in_c / groups] */
  const int32_t *bias;       /* [out_c] */
  const int32_t *multiplier; /* [out_c] */
  const int8_t *shift;       /* [out_c] */
} tms_conv2d_s8_params;
void tms_conv2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Depthwise: groups = in_c, out_c = in_c * m; weights are [kernel_h][kernel_w][out_c]. */
void tms_depthwise2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_depthwise2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Dense over each of `rows` vectors: [rows][in_n] -> [rows][out_n]. */
typedef struct {
  int32_t rows, in_n, out_n;
  int16_t in_offset, out_offset, act_min, act_max;
  const int8_t *weights; /* [out_n][in_n] */
  const int32_t *bias, *multiplier;
  const int8_t *shift;
} tms_dense_s8_params;
void tms_dense_s8(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);
void tms_dense_s8_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);

/* Broadcast of a and b to shape (4 axes); a stride of 0 repeats. Strides in elements.
 * add: y = rescale_out(rescale_a((a + a_offset) << 20) + rescale_b((b + b_offset) << 20)) + out_offset
 * mul: y = rescale_out((a + a_offset) * (b + b_offset)) + out_offset
 * In place over a allowed where a is not broadcast. */
typedef struct {
  int32_t shape[4], a_stride[4], b_stride[4];
  int16_t a_offset, b_offset, out_offset, act_min, act_max;
  int8_t a_shift, b_shift, out_shift;
  int32_t a_multiplier, b_multiplier, out_multiplier;
} tms_binary_s8_params;
void tms_add_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_add_s8_dr(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_mul_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_mul_s8_dr(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);

/* Pooling leaves scale and zero point as they are; padding does not count. */
typedef struct {
  tms_window window;
  int16_t act_min, act_max;
} tms_pool2d_s8_params;
void tms_maxpool2d_s8(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
/* Average: sum of the inputs inside / their number, rounded half away from zero. */
void tms_avgpool2d_s8(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Mean over all rows of [rows][channels]: y = clamp(rescale(sum (x + in_offset)) + out_offset);
 * the multiplier carries 1 / rows. */
typedef struct {
  int32_t rows, channels;
  int16_t in_offset, out_offset, act_min, act_max;
  int32_t multiplier;
  int8_t shift;
} tms_mean_s8_params;
void tms_mean_s8(const tms_mean_s8_params *p, const int8_t *in, int8_t *out);
void tms_mean_s8_dr(const tms_mean_s8_params *p, const int8_t *in, int8_t *out);

/* A mean in two parts that take rows as they come: each output row holds, for each channel, the sum
 * over all places down to it (out_w = 1), and so one row of memory can serve for all; then the last
 * of them is rescaled: y = clamp(rescale(sum + bias) + out_offset). */
typedef struct {
  tms_window window;
} tms_cumsum2d_params;
void tms_cumsum2d_s8(const tms_cumsum2d_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_cumsum2d_f32(const tms_cumsum2d_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

typedef struct {
  tms_window window;
  int16_t out_offset, act_min, act_max;
  int32_t bias, multiplier;
  int8_t shift;
} tms_scale2d_s32_s8_params;
void tms_scale2d_s32_s8(const tms_scale2d_s32_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_scale2d_s32_s8_dr(const tms_scale2d_s32_s8_params *p, tms_in in, tms_out out, int32_t y0,
                           int32_t y1);

typedef struct {
  tms_window window;
  float factor;
} tms_scale2d_f32_params;
void tms_scale2d_f32(const tms_scale2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Any unary function: y = table[x + 128]. In place allowed. */
typedef struct {
  int32_t n;
  const int8_t *table; /* [256] */
} tms_lut_s8_params;
void tms_lut_s8(const tms_lut_s8_params *p, const int8_t *in, int8_t *out);

/* Softmax over each of `rows` vectors of `n`, TFLite's fixed-point form; output scale 1/256,
 * zero point -128. multiplier, shift: beta * in_scale * 2^26 as a fixed-point factor;
 * diff_min: below it exp is taken as 0. n <= 8191. In place allowed. */
typedef struct {
  int32_t rows, n;
  int32_t multiplier;
  int8_t shift;
  int32_t diff_min;
} tms_softmax_s8_params;
void tms_softmax_s8(const tms_softmax_s8_params *p, const int8_t *in, int8_t *out);

/* ---- float32 --------------------------------------------------------------------------------
 * Sums run in the order kernel_h, kernel_w, channel, starting from the bias. */
typedef struct {
  tms_window window;
  float act_min, act_max;
  const float *weights; /* [out_c][kernel_h][kernel_w][in_c / groups] */
  const float *bias;    /* [out_c] */
} tms_conv2d_f32_params;
void tms_conv2d_f32(const tms_conv2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
/* weights are [kernel_h][kernel_w][out_c] */
void tms_depthwise2d_f32(const tms_conv2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

typedef struct {
  int32_t rows, in_n, out_n;
  float act_min, act_max;
  const float *weights; /* [out_n][in_n] */
  const float *bias;
} tms_dense_f32_params;
void tms_dense_f32(const tms_dense_f32_params *p, const float *in, float *out);

typedef struct {
  int32_t shape[4], a_stride[4], b_stride[4];
  float act_min, act_max;
} tms_binary_f32_params;
void tms_add_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_mul_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);

/* count_padding: divide by the whole window, as if padding were zeros inside the tensor. */
typedef struct {
  tms_window window;
  int32_t count_padding;
} tms_pool2d_f32_params;
void tms_maxpool2d_f32(const tms_pool2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_avgpool2d_f32(const tms_pool2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

typedef struct {
  int32_t rows, channels;
} tms_mean_f32_params;
void tms_mean_f32(const tms_mean_f32_params *p, const float *in, float *out);

/* Element-wise over n values; in place allowed. */
typedef struct {
  int32_t n;
} tms_unary_f32_params;
void tms_sigmoid_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_tanh_f32(const tms_unary_f32_params *p, const float *in, float *out);

typedef struct {
  int32_t n;
  float act_min, act_max;
} tms_clip_f32_params;
void tms_clip_f32(const tms_clip_f32_params *p, const float *in, float *out);

typedef struct {
  int32_t rows, n;
} tms_softmax_f32_params;
void tms_softmax_f32(const tms_softmax_f32_params *p, const float *in, float *out);

/* ---- both -----------------------------------------------------------------------------------
 * Movement knows only the size of an element: _b8 moves bytes, _b32 words. */
typedef struct {
  int32_t shape[4]; /* of the input */
  int32_t before[4], after[4];
  int32_t value; /* bit pattern of one element */
} tms_pad_params;
void tms_pad_b8(const tms_pad_params *p, const void *in, void *out);
void tms_pad_b32(const tms_pad_params *p, const void *in, void *out);

/* Copies `rows` runs of `n` elements from rows in_stride apart to rows out_stride apart,
 * starting out_start elements into out; a concatenation is one call an input. */
typedef struct {
  int32_t rows, n, in_stride, out_stride, out_start;
} tms_copy_params;
void tms_copy_b8(const tms_copy_params *p, const void *in, void *out);
void tms_copy_b32(const tms_copy_params *p, const void *in, void *out);

/* out[i][j][k][l] = in at i * stride[0] + j * stride[1] + ...; strides in elements. */
typedef struct {
  int32_t shape[4]; /* of the output */
  int32_t stride[4];
} tms_transpose_params;
void tms_transpose_b8(const tms_transpose_params *p, const void *in, void *out);
void tms_transpose_b32(const tms_transpose_params *p, const void *in, void *out);

/* y = clamp(round half to even(x / scale) + zero_point); NaN becomes zero_point. */
typedef struct {
  int32_t n;
  float scale;
  int32_t zero_point;
} tms_quantize_params;
void tms_quantize_f32_s8(const tms_quantize_params *p, const float *in, int8_t *out);
void tms_dequantize_s8_f32(const tms_quantize_params *p, const int8_t *in, float *out);

/* ---- models ---------------------------------------------------------------------------------
 * Generated code offers its own typed functions and this description, from which a firmware
 * (the monitor, for one) can drive any model. */
enum { TMS_INT8 = 1, TMS_UINT8, TMS_INT16, TMS_INT32, TMS_FLOAT32, TMS_BOOL };
enum { TMS_OK = 0, TMS_ERROR_ARENA_SIZE = -1, TMS_ERROR_ARENA_ALIGN = -2 };

typedef struct {
  const char *name;
  uint32_t offset; /* from the arena's start */
  uint32_t bytes;
  float scale; /* 0 where not quantised */
  int32_t zero_point;
  uint16_t shape[4]; /* channels last, unused axes 0 */
  uint8_t dtype;     /* TMS_INT8, ... */
} tms_tensor;

typedef struct {
  const char *name;
  const tms_tensor *inputs, *outputs;
  void (*run)(void *arena);   /* one inference, inputs and outputs at their offsets */
  void (*reset)(void *arena); /* clears persistent state */
  uint32_t arena_bytes;
  uint16_t n_inputs, n_outputs, n_layers;
} tms_model;

#define TMS_ARENA_ALIGN 16

/* A firmware built with TMS_TRACE is told when each layer has run. */
#ifdef TMS_TRACE
void tms_trace(int layer);
#else
#define tms_trace(layer) ((void)0)
#endif

#endif
