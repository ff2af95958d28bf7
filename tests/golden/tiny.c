/* SPDX-License-Identifier: 0BSD
 *
 * tiny: 144 multiply-accumulates, rounding single
 *
 * arena 188 bytes, lower bound 188, scratch 0; constants 236 bytes
 *
 *   offset    bytes  what
 *        0      140  input x: 5x7x1 float32
 *        0       12  output relu4: 3 float32
 *      140       48  activation relu1: 2x3x2 float32
 */
#include "tiny.h"

static const float layer0_weights[18] = {
    0x1.e589c40000000p-5f, -0x1.fe27c80000000p-5f, 0x1.3524c80000000p-2f, 0x1.9518fc0000000p-5f,
    -0x1.0293ce0000000p-2f, 0x1.5d18d80000000p-3f, 0x1.3abb780000000p-1f, 0x1.c92c5a0000000p-2f,
    -0x1.53b4b20000000p-2f, -0x1.316bc80000000p-1f, -0x1.2cddae0000000p-2f, 0x1.3f2e4c0000000p-6f,
    -0x1.18956c0000000p+0f, -0x1.a6757a0000000p-4f, -0x1.2cb6440000000p-1f, -0x1.617a920000000p-2f,
    -0x1.06b9460000000p-2f, -0x1.315e220000000p-3f,
};
static const float layer0_bias[2] = {
    0x1.51352e0000000p-5f, 0x1.ab03740000000p-4f,
};
static const float layer1_weights[36] = {
    -0x1.adde120000000p-5f, -0x1.36d12c0000000p-2f, 0x1.1d9f5a0000000p-1f, -0x1.8152e60000000p-2f,
    -0x1.1615080000000p-2f, -0x1.7eb37e0000000p-3f, 0x1.25e51a0000000p-3f, 0x1.7034fc0000000p-4f,
    0x1.79b13c0000000p-2f, -0x1.a6112e0000000p-2f, 0x1.3a69720000000p-5f, -0x1.5dc7c00000000p-4f,
    -0x1.0a40f00000000p-4f, 0x1.47bcee0000000p-2f, 0x1.c4326a0000000p-3f, 0x1.3829620000000p-1f,
    0x1.66f3240000000p-4f, -0x1.072c7e0000000p-1f, 0x1.291fdc0000000p-3f, 0x1.3c71f00000000p-1f,
    -0x1.1154a20000000p-2f, 0x1.1951b00000000p-1f, -0x1.b179d80000000p-5f, 0x1.469fd20000000p-2f,
    0x1.ba38000000000p-4f, 0x1.2acd960000000p-3f, -0x1.0677f00000000p-3f, -0x1.f922120000000p-2f,
    0x1.30c2920000000p-1f, -0x1.dcae3c0000000p-10f, 0x1.99bd440000000p-1f, 0x1.126fd80000000p-2f,
    0x1.7895560000000p-1f, -0x1.0d4c1e0000000p-1f, 0x1.12e3180000000p-1f, 0x1.4a5bcc0000000p-3f,
};
static const float layer1_bias[3] = {
    0x1.6024f40000000p-5f, 0x1.1d195e0000000p-4f, -0x1.e503c40000000p-4f,
};

static const tms_conv2d_f32_params layer0 = {
    .window = {.in_h = 5, .in_w = 7, .in_c = 1, .out_h = 2, .out_w = 3, .out_c = 2, .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .dilation_h = 1, .dilation_w = 1, .pad_top = 0, .pad_left = 0, .groups = 1},
    .act_min = 0x0.0p+0f,
    .act_max = TMS_INFINITY,
    .weights = layer0_weights,
    .bias = layer0_bias,
};
static const tms_dense_f32_params layer1 = {
    .rows = 1,
    .in_n = 12,
    .out_n = 3,
    .act_min = 0x0.0p+0f,
    .act_max = TMS_INFINITY,
    .weights = layer1_weights,
    .bias = layer1_bias,
};

static void run(void *memory) {
  uint8_t *const a = memory;
  /* conv0: 108 MAC */
  tms_conv2d_f32(&layer0, (tms_in){a + 0, 5, 28}, (tms_out){a + 140, 2, 24}, 0, 2);
  tms_trace(0);
  /* gemm3: 36 MAC */
  tms_dense_f32(&layer1, (const float *)(void *)(a + 140), (float *)(void *)(a + 0));
  tms_trace(1);
}

static void reset(void *memory) {
  (void)memory; /* nothing is carried from run to run */
}

int tiny_init(tiny_t *model, void *arena, size_t arena_bytes) {
  if (arena == NULL) {
    return TMS_ERROR_ARENA_NULL;
  }
  if (arena_bytes < TINY_ARENA_BYTES) {
    return TMS_ERROR_ARENA_SIZE;
  }
  if ((uintptr_t)arena % TMS_ARENA_ALIGN != 0) {
    return TMS_ERROR_ARENA_ALIGN;
  }
  model->arena = arena;
  reset(arena);
  return TMS_OK;
}

void tiny_run(tiny_t *model) { run(model->arena); }

void tiny_reset(tiny_t *model) { reset(model->arena); }

static const tms_tensor inputs[1] = {
    {.name = "x", .offset = 0, .bytes = 140, .scale = 0x0.0p+0f, .zero_point = 0, .shape = {5, 7, 1}, .dtype = TMS_FLOAT32},
};

static const tms_tensor outputs[1] = {
    {.name = "relu4", .offset = 0, .bytes = 12, .scale = 0x0.0p+0f, .zero_point = 0, .shape = {3}, .dtype = TMS_FLOAT32},
};

const tms_model tiny_model = {
    .name = "tiny",
    .inputs = inputs,
    .outputs = outputs,
    .run = run,
    .reset = reset,
    .arena_bytes = TINY_ARENA_BYTES,
    .n_inputs = 1,
    .n_outputs = 1,
    .n_layers = 2,
};
