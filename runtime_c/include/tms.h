/* SPDX-License-Identifier: 0BSD
 *
 * TinyML Studio's runtime: plain C99 kernels, no malloc, no stdio, no globals. The caller owns
 * all memory. Sizes are checked by the compiler that wrote the call; kernels run blind.
 *
 * Contents
 *   rows                 how a kernel sees a tensor
 *   int8                 convolution, dense, arithmetic, pooling, tables, softmax
 *   int16                activations of 16 bits, weights of 8
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

#ifdef __cplusplus
extern "C" {
#endif

#define TMS_VERSION 2
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

/* With weights of 4 bits, -8 to 7, two in a byte (16 * second + first + 8), filters on byte borders. */
void tms_conv2d_s8_w4(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv2d_s8_w4_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* With the zeros of the weights left out, ungrouped. Weights are a run a tap and filter, [out_c][kernel_h]
 * [kernel_w]; a run of in_c is segments of 256 blocks of 1 or 4; a segment is the number n of blocks
 * that follow, then n times the block's number in its segment (unsigned) and its weights. */
void tms_conv2d_s8_z1(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv2d_s8_z1_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv2d_s8_z4(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv2d_s8_z4_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Depthwise: groups = in_c, out_c = in_c * m; weights are [kernel_h][kernel_w][out_c];
 * those of 4 bits begin each tap on a byte border. */
void tms_depthwise2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_depthwise2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_depthwise2d_s8_w4(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_depthwise2d_s8_w4_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Transposed: a stride of n puts n outputs where one input is; padding is taken off the output. */
void tms_conv_transpose2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv_transpose2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                int32_t y1);

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
void tms_dense_s8_w4(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);
void tms_dense_s8_w4_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);

/* With the zeros left out, as in tms_conv2d_s8_z1; a run is a row of weights. */
void tms_dense_s8_z1(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);
void tms_dense_s8_z1_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);
void tms_dense_s8_z4(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);
void tms_dense_s8_z4_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out);

/* out[h][i][j][l] = rescale(sum over k of (a + a_offset) * (b + b_offset)) + out_offset, a at strides
 * (h, i, j, k) and b at (h, i, k, l), in elements; out is [batch[0]][batch[1]][m][n]. */
typedef struct {
  int32_t batch[2], m, k, n, a_stride[4], b_stride[4];
  int16_t a_offset, b_offset, out_offset, act_min, act_max;
  int32_t multiplier;
  int8_t shift;
} tms_matmul_s8_params;
void tms_matmul_s8(const tms_matmul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_matmul_s8_dr(const tms_matmul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);

/* Broadcast of a and b to shape (4 axes); a stride of 0 repeats. Strides in elements.
 * add: y = rescale_out(rescale_a((a + a_offset) << 20) + rescale_b((b + b_offset) << 20)) + out_offset
 * sub: the difference likewise
 * mul: y = rescale_out((a + a_offset) * (b + b_offset)) + out_offset
 * prelu: mul where a + a_offset < 0, else y = rescale_a(a + a_offset) + out_offset
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
void tms_sub_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_sub_s8_dr(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_prelu_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_prelu_s8_dr(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
/* Of one scale and zero point: nothing is rescaled. */
void tms_min_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);
void tms_max_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out);

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
/* The same in 16 bits: scale 1/65536, zero point -32768. */
void tms_softmax_s8_s16(const tms_softmax_s8_params *p, const int8_t *in, int16_t *out);

/* What goes into the memory of a streaming layer: y = clamp16(rescale(sum (x + in_offset) * w)). */
typedef struct {
  int32_t in_n, out_n, multiplier;
  int16_t in_offset;
  int8_t shift;
  const int8_t *weights; /* [out_n][in_n] */
} tms_dense_s8_s16_params;
void tms_dense_s8_s16(const tms_dense_s8_s16_params *p, const int8_t *in, int16_t *out);
void tms_dense_s8_s16_dr(const tms_dense_s8_s16_params *p, const int8_t *in, int16_t *out);

/* A filter over the memory of each unit: in is [units][taps],
 * y = clamp(rescale(bias[u] + sum over taps of (x + in_offset) * w) + out_offset). */
typedef struct {
  int32_t units, taps, multiplier;
  int16_t in_offset, out_offset, act_min, act_max;
  int8_t shift;
  const int8_t *weights; /* [units][taps] */
  const int32_t *bias;   /* [units] */
} tms_fir_s8_params;
void tms_fir_s8(const tms_fir_s8_params *p, const int8_t *in, int8_t *out);
void tms_fir_s8_dr(const tms_fir_s8_params *p, const int8_t *in, int8_t *out);

/* The same of 16 bits around zero with weights of 16 bits; sums wrap around at 32 bits. */
typedef struct {
  int32_t units, taps, multiplier;
  int16_t out_offset, act_min, act_max;
  int8_t shift;
  const int16_t *weights; /* [units][taps] */
  const int32_t *bias;    /* [units] */
} tms_fir_s16_s8_params;
void tms_fir_s16_s8(const tms_fir_s16_s8_params *p, const int16_t *in, int8_t *out);
void tms_fir_s16_s8_dr(const tms_fir_s16_s8_params *p, const int16_t *in, int8_t *out);

/* ---- int16 activations, int8 weights ----------------------------------------------------------
 * Zero points are 0 and sums have 64 bits; they are rescaled once, whatever the rounding, by the upper
 * 16 bits of the multiplier, as TFLite does. Sums and products of two tensors: see int8. */
typedef struct {
  tms_window window;
  int16_t act_min, act_max;
  const int8_t *weights;     /* [out_c][kernel_h][kernel_w][in_c / groups] */
  const int64_t *bias;       /* [out_c] */
  const int32_t *multiplier; /* [out_c] */
  const int8_t *shift;       /* [out_c] */
} tms_conv2d_s16_params;
void tms_conv2d_s16(const tms_conv2d_s16_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
/* weights are [kernel_h][kernel_w][out_c] */
void tms_depthwise2d_s16(const tms_conv2d_s16_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_conv_transpose2d_s16(const tms_conv2d_s16_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

typedef struct {
  int32_t rows, in_n, out_n;
  int16_t act_min, act_max;
  const int8_t *weights; /* [out_n][in_n] */
  const int64_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
} tms_dense_s16_params;
void tms_dense_s16(const tms_dense_s16_params *p, const int16_t *in, int16_t *out);

/* The same as LiteRT's reference has it: y = sum * scale in double, halves away from zero. */
typedef struct {
  int32_t rows, in_n, out_n;
  int16_t act_min, act_max;
  const int8_t *weights; /* [out_n][in_n] */
  const int64_t *bias;
  const double *scale; /* [out_n] */
} tms_dense_s16_f64_params;
void tms_dense_s16_f64(const tms_dense_s16_f64_params *p, const int16_t *in, int16_t *out);

/* As matmul of int8, both operands around 0. */
typedef struct {
  int32_t batch[2], m, k, n, a_stride[4], b_stride[4];
  int16_t act_min, act_max;
  int32_t multiplier;
  int8_t shift;
} tms_matmul_s16_params;
void tms_matmul_s16(const tms_matmul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out);

void tms_add_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_add_s16_dr(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_sub_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_sub_s16_dr(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_mul_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_mul_s16_dr(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);

void tms_prelu_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_prelu_s16_dr(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_min_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);
void tms_max_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out);

void tms_mean_s16(const tms_mean_s8_params *p, const int16_t *in, int16_t *out);
void tms_mean_s16_dr(const tms_mean_s8_params *p, const int16_t *in, int16_t *out);

/* y = rescale(x) where x >= 0, else rescale by the alpha_ pair. In place allowed. */
typedef struct {
  int32_t n, multiplier, alpha_multiplier;
  int8_t shift, alpha_shift;
} tms_leaky_relu_s16_params;
void tms_leaky_relu_s16(const tms_leaky_relu_s16_params *p, const int16_t *in, int16_t *out);
void tms_leaky_relu_s16_dr(const tms_leaky_relu_s16_params *p, const int16_t *in, int16_t *out);

void tms_maxpool2d_s16(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
void tms_avgpool2d_s16(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

/* Any smooth function: a straight line between every 128th value. In place allowed. */
typedef struct {
  int32_t n;
  const int16_t *table; /* [513] */
} tms_lut_s16_params;
void tms_lut_s16(const tms_lut_s16_params *p, const int16_t *in, int16_t *out);

/* Output scale 1/32768. 12288 * in_scale = multiplier * 2^-shift. In place allowed. */
typedef struct {
  int32_t n, multiplier, shift;
  const uint16_t *table; /* [256], about 65536 sigmoid(i / 24) */
} tms_sigmoid_s16_params;
void tms_sigmoid_s16(const tms_sigmoid_s16_params *p, const int16_t *in, int16_t *out);
void tms_tanh_s16(const tms_sigmoid_s16_params *p, const int16_t *in, int16_t *out);

/* Output scale 1/32768; multiplier, shift: in_scale * 65535 / 10. In place allowed. */
typedef struct {
  int32_t rows, n, multiplier;
  int8_t shift;
  const int16_t *exp;     /* [513], e^x from -10 to 0 */
  const int16_t *inverse; /* [513], 1 / (1 + x) from 0 to 1 */
} tms_softmax_s16_params;
void tms_softmax_s16(const tms_softmax_s16_params *p, const int16_t *in, int16_t *out);
void tms_softmax_s16_dr(const tms_softmax_s16_params *p, const int16_t *in, int16_t *out);

/* Recurrent layers in integers, one direction a call: in [steps][batch][in_n], out [steps][batch][out_n],
 * states [batch][state_n]. A step runs operations on int16 vectors, each at a place of the scratch memory of
 * `values` int16 and with its zero point taken off; then each state becomes what stands at after_at.
 * The plain kernels round once, _dr are those of TFLite Micro's LSTM, _litert those of LiteRT's; they differ
 * in their sigmoids too. whole = 0: only the last states are written, out is not touched. */
enum {
  TMS_SCAN_GEMM_OF_INPUT = 0,
  TMS_SCAN_GEMM,
  TMS_SCAN_SUM,
  TMS_SCAN_PRODUCT,
  TMS_SCAN_SIGMOID,
  TMS_SCAN_TANH
};
typedef struct {
  int32_t kind, n, out, a, b; /* places of vectors; b = -1: none */
  int32_t in_n;               /* of a gemm: elements of its input; further where its parts begin: */
  int32_t weights, bias;      /* bias = -1: none */
  int32_t factor, per_row;    /* in multiplier and shift; per_row = 0: one for all rows */
  int32_t multiplier_a, multiplier_b, shift, low, high;
} tms_scan_operation;
typedef struct {
  int32_t steps, batch, in_n, operations_n, values;
  int32_t state_at[2], after_at[2], state_n[2];
  int32_t out_at, out_n;
  int16_t state_zero[2], out_zero;
  int8_t state_bytes[2], out_bytes; /* an element: 1 or 2 */
  int8_t reverse, whole;
  const int32_t *operations; /* [operations_n] of tms_scan_operation */
  const int8_t *weights;
  const int32_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  const uint16_t *table; /* _dr: that of tms_sigmoid_s16; plain: sigmoid(i / 24) in 1/65536, 288 values */
} tms_scan_params;
void tms_scan1_s8(const tms_scan_params *p, const int8_t *in, const void *h0, void *out, void *h,
                  void *scratch);
void tms_scan1_s8_dr(const tms_scan_params *p, const int8_t *in, const void *h0, void *out, void *h,
                     void *scratch);
void tms_scan1_s8_litert(const tms_scan_params *p, const int8_t *in, const void *h0, void *out, void *h,
                         void *scratch);
void tms_scan2_s8(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0, void *out,
                  void *h, void *c, void *scratch);
void tms_scan2_s8_dr(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0, void *out,
                     void *h, void *c, void *scratch);
void tms_scan2_s8_litert(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0,
                         void *out, void *h, void *c, void *scratch);

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

void tms_conv_transpose2d_f32(const tms_conv2d_f32_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);

typedef struct {
  int32_t batch[2], m, k, n, a_stride[4], b_stride[4];
  float act_min, act_max;
} tms_matmul_f32_params;
void tms_matmul_f32(const tms_matmul_f32_params *p, const float *a, const float *b, float *out);

typedef struct {
  int32_t rows, in_n, out_n;
  float act_min, act_max;
  const float *weights; /* [out_n][in_n] */
  const float *bias;
} tms_dense_f32_params;
void tms_dense_f32(const tms_dense_f32_params *p, const float *in, float *out);

/* A filter over the memory of each unit: in is [units][taps]. */
typedef struct {
  int32_t units, taps;
  float act_min, act_max;
  const float *weights; /* [units][taps] */
  const float *bias;    /* [units] */
} tms_fir_f32_params;
void tms_fir_f32(const tms_fir_f32_params *p, const float *in, float *out);

/* The same with weights of 8 bits in flash: y = clamp(scale[o] * sum of x * w + bias[o]). */
typedef struct {
  tms_window window;
  float act_min, act_max;
  const int8_t *weights; /* [out_c][kernel_h][kernel_w][in_c / groups] */
  const float *scale;    /* [out_c] */
  const float *bias;     /* [out_c] */
} tms_conv2d_f32_w8_params;
void tms_conv2d_f32_w8(const tms_conv2d_f32_w8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
/* weights are [kernel_h][kernel_w][out_c] */
void tms_depthwise2d_f32_w8(const tms_conv2d_f32_w8_params *p, tms_in in, tms_out out, int32_t y0,
                            int32_t y1);

typedef struct {
  int32_t rows, in_n, out_n;
  float act_min, act_max;
  const int8_t *weights; /* [out_n][in_n] */
  const float *scale, *bias;
} tms_dense_f32_w8_params;
void tms_dense_f32_w8(const tms_dense_f32_w8_params *p, const float *in, float *out);

typedef struct {
  int32_t shape[4], a_stride[4], b_stride[4];
  float act_min, act_max;
} tms_binary_f32_params;
void tms_add_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_mul_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_sub_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_div_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_min_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_max_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_pow_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);
void tms_prelu_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out);

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
void tms_reduce_max_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_min_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_sum_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_prod_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_sumsquare_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_l1_f32(const tms_mean_f32_params *p, const float *in, float *out);
void tms_reduce_max_s8(const tms_mean_f32_params *p, const int8_t *in, int8_t *out);
void tms_reduce_min_s8(const tms_mean_f32_params *p, const int8_t *in, int8_t *out);
void tms_reduce_max_s16(const tms_mean_f32_params *p, const int16_t *in, int16_t *out);
void tms_reduce_min_s16(const tms_mean_f32_params *p, const int16_t *in, int16_t *out);

/* The number of the row that holds the largest or smallest value; of equals the first or the last. */
typedef struct {
  int32_t rows, channels, last;
} tms_arg_params;
void tms_argmax_s8(const tms_arg_params *p, const int8_t *in, int32_t *out);
void tms_argmin_s8(const tms_arg_params *p, const int8_t *in, int32_t *out);
void tms_argmax_f32(const tms_arg_params *p, const float *in, int32_t *out);
void tms_argmin_f32(const tms_arg_params *p, const float *in, int32_t *out);

/* Element-wise over n values; in place allowed. */
typedef struct {
  int32_t n;
} tms_unary_f32_params;
void tms_sigmoid_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_tanh_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_abs_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_neg_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_exp_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_log_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_sqrt_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_erf_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_floor_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_ceil_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_round_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_reciprocal_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_softplus_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_softsign_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_gelu_f32(const tms_unary_f32_params *p, const float *in, float *out);
void tms_gelu_tanh_f32(const tms_unary_f32_params *p, const float *in, float *out);

/* The same with two numbers that shape the function, named as ONNX names them. */
typedef struct {
  int32_t n;
  float alpha, beta;
} tms_shaped_f32_params;
void tms_leaky_relu_f32(const tms_shaped_f32_params *p, const float *in, float *out);
void tms_elu_f32(const tms_shaped_f32_params *p, const float *in, float *out);
void tms_hard_sigmoid_f32(const tms_shaped_f32_params *p, const float *in, float *out);
void tms_hard_swish_f32(const tms_shaped_f32_params *p, const float *in, float *out);
void tms_swish_f32(const tms_shaped_f32_params *p, const float *in, float *out);

typedef struct {
  int32_t n;
  float act_min, act_max;
} tms_clip_f32_params;
void tms_clip_f32(const tms_clip_f32_params *p, const float *in, float *out);

typedef struct {
  int32_t rows, n;
} tms_softmax_f32_params;
void tms_softmax_f32(const tms_softmax_f32_params *p, const float *in, float *out);
void tms_log_softmax_f32(const tms_softmax_f32_params *p, const float *in, float *out);

/* Each of `rows` vectors of `n` to mean 0 and variance 1, then scaled and shifted. In place allowed. */
typedef struct {
  int32_t rows, n;
  float epsilon;
  const float *scale, *bias; /* [n] */
} tms_layer_norm_f32_params;
void tms_layer_norm_f32(const tms_layer_norm_f32_params *p, const float *in, float *out);

/* out[i][j][k] = sum over taps of in[i][index[j][t]][k] * weights[j][t]. */
typedef struct {
  int32_t outer, in_n, out_n, inner, taps;
  const int32_t *index; /* [out_n][taps] */
  const float *weights; /* [out_n][taps] */
} tms_resample_f32_params;
void tms_resample_f32(const tms_resample_f32_params *p, const float *in, float *out);

/* Recurrent layers, one direction of `directions` a call: in [steps][batch][in_n], states
 * [directions][batch][hidden], out [steps][directions][batch][hidden] (zeros behind a sequence's length).
 * Weights stand gate by gate in ONNX's order; both biases are added up, but for the candidate of gru,
 * whose second one follows as a fourth. whole = 0: only the last states are written, out is not touched. */
enum { TMS_SIGMOID = 0, TMS_TANH, TMS_RELU, TMS_HARD_SIGMOID, TMS_AS_IT_IS };
typedef struct {
  int32_t steps, batch, in_n, hidden, direction, directions;
  int8_t reverse, whole, peeps;
  int8_t variant;         /* lstm: couple forget to input; gru: linear before reset */
  int8_t activation[3];   /* of gates, candidate, output */
  float clip;             /* of sums before activations */
  float cell_clip;        /* of lstm's new cell state; infinite where there is none */
  const int32_t *lengths; /* [batch] */
  const float *w;         /* [gates][hidden][in_n] */
  const float *r;         /* [gates][hidden][hidden] */
  const float *bias;      /* [gates][hidden] */
  const float *peepholes; /* [3][hidden], where peeps */
} tms_recurrent_f32_params;
void tms_lstm_f32(const tms_recurrent_f32_params *p, const float *in, const float *h0, const float *c0,
                  float *out, float *h, float *c, void *scratch);
void tms_gru_f32(const tms_recurrent_f32_params *p, const float *in, const float *h0, float *out, float *h,
                 void *scratch);
void tms_rnn_f32(const tms_recurrent_f32_params *p, const float *in, const float *h0, float *out, float *h,
                 void *scratch);

/* ---- both -----------------------------------------------------------------------------------
 * Movement knows only the size of an element: _b8 moves bytes, _b16 halves of words, _b32 words. */
typedef struct {
  int32_t shape[4]; /* of the input */
  int32_t before[4], after[4];
  int32_t value; /* bit pattern of one element */
} tms_pad_params;
void tms_pad_b8(const tms_pad_params *p, const void *in, void *out);
void tms_pad_b16(const tms_pad_params *p, const void *in, void *out);
void tms_pad_b32(const tms_pad_params *p, const void *in, void *out);

/* Copies `rows` runs of `n` elements from rows in_stride apart to rows out_stride apart,
 * starting out_start elements into out; a concatenation is one call an input. */
typedef struct {
  int32_t rows, n, in_stride, out_stride, out_start;
} tms_copy_params;
void tms_copy_b8(const tms_copy_params *p, const void *in, void *out);
void tms_copy_b16(const tms_copy_params *p, const void *in, void *out);
void tms_copy_b32(const tms_copy_params *p, const void *in, void *out);

/* Rows of n elements without their first ones, and as many fresh ones of [rows][fresh] behind.
 * In place allowed. */
typedef struct {
  int32_t rows, n, fresh;
} tms_shift_params;
void tms_shift_b8(const tms_shift_params *p, const void *in, const void *fresh, void *out);
void tms_shift_b16(const tms_shift_params *p, const void *in, const void *fresh, void *out);
void tms_shift_b32(const tms_shift_params *p, const void *in, const void *fresh, void *out);

/* out[i][j][k][l] = in at i * stride[0] + j * stride[1] + ...; strides in elements. */
typedef struct {
  int32_t shape[4]; /* of the output */
  int32_t stride[4];
} tms_transpose_params;
void tms_transpose_b8(const tms_transpose_params *p, const void *in, void *out);
void tms_transpose_b16(const tms_transpose_params *p, const void *in, void *out);
void tms_transpose_b32(const tms_transpose_params *p, const void *in, void *out);

/* The same over six axes and from another element than the first; steps may be 0 or negative. */
typedef struct {
  int32_t shape[6]; /* of the output */
  int32_t stride[6];
  int32_t start;
} tms_strided_params;
void tms_strided_b8(const tms_strided_params *p, const void *in, void *out);
void tms_strided_b16(const tms_strided_params *p, const void *in, void *out);
void tms_strided_b32(const tms_strided_params *p, const void *in, void *out);

/* out[i][j][k] = in[i][index[j]][k], [outer][in_n][inner] to [outer][out_n][inner]. */
typedef struct {
  int32_t outer, in_n, out_n, inner;
  const int32_t *index; /* [out_n] */
} tms_take_params;
void tms_take_b8(const tms_take_params *p, const void *in, void *out);
void tms_take_b16(const tms_take_params *p, const void *in, void *out);
void tms_take_b32(const tms_take_params *p, const void *in, void *out);

/* out[i] = in[index[i]], runs of `run` elements; in has `rows` of them. */
typedef struct {
  int32_t n, rows, run;
} tms_gather_params;
void tms_gather_b8(const tms_gather_params *p, const void *in, const int32_t *index, void *out);
void tms_gather_b16(const tms_gather_params *p, const void *in, const int32_t *index, void *out);
void tms_gather_b32(const tms_gather_params *p, const void *in, const int32_t *index, void *out);

/* Truth values (bytes, 0 or 1) of a compared with b, both broadcast to shape. */
typedef struct {
  int32_t shape[4], a_stride[4], b_stride[4];
} tms_compare_params;
void tms_equal_f32(const tms_compare_params *p, const float *a, const float *b, void *out);
void tms_equal_s32(const tms_compare_params *p, const int32_t *a, const int32_t *b, void *out);
void tms_less_f32(const tms_compare_params *p, const float *a, const float *b, void *out);
void tms_less_s32(const tms_compare_params *p, const int32_t *a, const int32_t *b, void *out);
void tms_less_equal_f32(const tms_compare_params *p, const float *a, const float *b, void *out);
void tms_less_equal_s32(const tms_compare_params *p, const int32_t *a, const int32_t *b, void *out);

/* a where the condition holds, else b; all broadcast to shape. */
typedef struct {
  int32_t shape[4], c_stride[4], a_stride[4], b_stride[4];
} tms_where_params;
void tms_where_b8(const tms_where_params *p, const void *condition, const void *a, const void *b, void *out);
void tms_where_b16(const tms_where_params *p, const void *condition, const void *a, const void *b, void *out);
void tms_where_b32(const tms_where_params *p, const void *condition, const void *a, const void *b, void *out);

/* From one scale and type of integer to another: y = clamp(rescale(x + in_offset) + out_offset). */
typedef struct {
  int32_t n, in_offset, out_offset, act_min, act_max, multiplier;
  int8_t shift;
} tms_requantize_params;
void tms_requantize_s8_s16(const tms_requantize_params *p, const int8_t *in, int16_t *out);
void tms_requantize_s8_s16_dr(const tms_requantize_params *p, const int8_t *in, int16_t *out);
void tms_requantize_s8_s32(const tms_requantize_params *p, const int8_t *in, int32_t *out);
void tms_requantize_s8_s32_dr(const tms_requantize_params *p, const int8_t *in, int32_t *out);
void tms_requantize_s16_s8(const tms_requantize_params *p, const int16_t *in, int8_t *out);
void tms_requantize_s16_s8_dr(const tms_requantize_params *p, const int16_t *in, int8_t *out);
void tms_requantize_s16_s16(const tms_requantize_params *p, const int16_t *in, int16_t *out);
void tms_requantize_s16_s16_dr(const tms_requantize_params *p, const int16_t *in, int16_t *out);
void tms_requantize_s16_s32(const tms_requantize_params *p, const int16_t *in, int32_t *out);
void tms_requantize_s16_s32_dr(const tms_requantize_params *p, const int16_t *in, int32_t *out);
void tms_requantize_s32_s8(const tms_requantize_params *p, const int32_t *in, int8_t *out);
void tms_requantize_s32_s8_dr(const tms_requantize_params *p, const int32_t *in, int8_t *out);
void tms_requantize_s32_s16(const tms_requantize_params *p, const int32_t *in, int16_t *out);
void tms_requantize_s32_s16_dr(const tms_requantize_params *p, const int32_t *in, int16_t *out);

/* y = clamp(round half to even(x / scale) + zero_point); NaN becomes zero_point. */
typedef struct {
  int32_t n;
  float scale;
  int32_t zero_point;
} tms_quantize_params;
void tms_quantize_f32_s8(const tms_quantize_params *p, const float *in, int8_t *out);
void tms_dequantize_s8_f32(const tms_quantize_params *p, const int8_t *in, float *out);
void tms_quantize_f32_s16(const tms_quantize_params *p, const float *in, int16_t *out);
void tms_dequantize_s16_f32(const tms_quantize_params *p, const int16_t *in, float *out);

/* Float rows to whole numbers by each row's own range, as TensorFlow Lite does where weights alone are
 * integers: out * scale / factor is in, rounded to 8 bits. Symmetric: -127 to 127; else zero has a code
 * of its own, which is subtracted from all. */
typedef struct {
  int32_t rows, n;
  float factor; /* of scale */
  int8_t symmetric;
} tms_dynamic_quantize_f32_params;
void tms_dynamic_quantize_f32(const tms_dynamic_quantize_f32_params *p, const float *in, float *out,
                              float *scale); /* out [rows][n], scale [rows] */

/* Between number types. To int32 towards zero and saturating; bool is a byte, 0 or 1. */
void tms_cast_f32_s32(const tms_unary_f32_params *p, const float *in, int32_t *out);
void tms_cast_s32_f32(const tms_unary_f32_params *p, const int32_t *in, float *out);
void tms_cast_u8_f32(const tms_unary_f32_params *p, const void *in, float *out);
void tms_cast_f32_bool(const tms_unary_f32_params *p, const float *in, void *out);

/* ---- models ---------------------------------------------------------------------------------
 * Generated code offers its own typed functions and this description, from which a firmware
 * (the monitor, for one) can drive any model. */
enum { TMS_INT8 = 1, TMS_UINT8, TMS_INT16, TMS_INT32, TMS_FLOAT32, TMS_BOOL };
enum {
  TMS_OK = 0,
  TMS_ERROR_ARENA_SIZE = -1,  /* smaller than the model needs */
  TMS_ERROR_ARENA_ALIGN = -2, /* not at a multiple of TMS_ARENA_ALIGN */
  TMS_ERROR_ARENA_NULL = -3   /* there is none */
};

typedef struct {
  const char *name;
  uint32_t offset; /* from the arena's start */
  uint32_t bytes;
  float scale; /* 0 where not quantised */
  int32_t zero_point;
  uint16_t shape[4]; /* channels last, unused axes 0 */
  uint8_t dtype;     /* TMS_INT8, ... */
} tms_tensor;

/* Brings row y of an input that is not resident: 0, or what ends the run and is returned by it. A run asks
 * for rows as it needs them, in their order, each once; not for last rows that no result depends on. */
typedef int (*tms_row_source)(void *context, int32_t y, void *to);

typedef struct {
  const char *name;
  const tms_tensor *inputs, *outputs;
  void (*run)(void *arena);   /* one inference, inputs and outputs at their offsets; NULL with run_rows */
  void (*reset)(void *arena); /* clears persistent state */
  uint32_t arena_bytes;
  uint16_t n_inputs, n_outputs, n_layers;
  /* In the place of run, where the one input comes row by row; a row is its bytes / shape[0]. */
  int (*run_rows)(void *arena, tms_row_source source, void *context);
} tms_model;

#define TMS_ARENA_ALIGN 16

/* Begins the declaration of an arena: TMS_ALIGNED static uint8_t arena[...]; */
#if defined(__cplusplus)
#define TMS_ALIGNED alignas(TMS_ARENA_ALIGN)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define TMS_ALIGNED _Alignas(TMS_ARENA_ALIGN)
#else
#define TMS_ALIGNED __attribute__((aligned(TMS_ARENA_ALIGN)))
#endif

/* A firmware built with TMS_TRACE is told when each layer has run. */
#ifdef TMS_TRACE
void tms_trace(int layer);
#else
#define tms_trace(layer) ((void)0)
#endif

#ifdef __cplusplus
}
#endif

#endif
