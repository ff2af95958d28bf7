/* SPDX-License-Identifier: 0BSD
 *
 * Runs kernels on what it reads from stdin and writes their outputs to stdout, so that one build
 * under sanitizers serves any number of tests. Each array lives in an allocation of its exact size.
 *
 * A request: tms_request, the parameter struct, for each pointer in it { offset, bytes, data }, for
 * each input { bytes, data }, for each output { bytes, initial data }. The answer: the outputs' bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tms.h"

enum { WHOLE, ROWS, RING, UPSAMPLING_RING, IN_PLACE };
enum { MOST_POINTERS = 8, MOST_INPUTS = 6, MOST_OUTPUTS = 3, GUARD_BYTES = 32, GAP_BYTES = 8, GUARD = 0xA5 };

typedef struct {
  uint32_t kernel, mode, param_bytes, pointers, inputs, outputs, scratch_bytes;
} tms_request;

typedef void run_rows(const void *p, tms_in in, tms_out out, int32_t y0, int32_t y1);
typedef void run_flat(const void *p, void *const *in, void *const *out, void *scratch);

/* kernel_table.h has a line WINDOW or FLAT for each kernel, FLAT with its arguments. */
#define WINDOW(name)                                                                                         \
  static void run_##name(const void *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {                    \
    name(p, in, out, y0, y1);                                                                                \
  }
#define FLAT(name, ...)                                                                                      \
  static void run_##name(const void *p, void *const *in, void *const *out, void *scratch) {                  \
    (void)scratch;                                                                                           \
    name(p, __VA_ARGS__);                                                                                    \
  }
#include "kernel_table.h"
#undef WINDOW
#undef FLAT

static const struct {
  run_rows *rows;
  run_flat *flat;
} kernels[] = {
#define WINDOW(name) {run_##name, NULL},
#define FLAT(name, ...) {NULL, run_##name},
#include "kernel_table.h"
};

static void stop(const char *why) {
  fprintf(stderr, "driver: %s\n", why);
  abort();
}

static void *allocate(size_t bytes) {
  void *data = malloc(bytes ? bytes : 1);
  if (!data) {
    stop("out of memory");
  }
  return data;
}

static int read_exactly(void *to, size_t bytes) { return fread(to, 1, bytes, stdin) == bytes; }

static void *read_block(uint32_t *bytes) {
  if (!read_exactly(bytes, sizeof *bytes)) {
    stop("request cut short");
  }
  void *data = allocate(*bytes);
  if (!read_exactly(data, *bytes)) {
    stop("request cut short");
  }
  return data;
}

static void check_guard(const uint8_t *at, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    if (at[i] != GUARD) {
      stop("wrote outside the output");
    }
  }
}

static void run_whole(run_rows *run, const tms_window *g, const uint8_t *x, int32_t x_row, uint8_t *y,
                      int32_t y_row) {
  const tms_in in = {x, g->in_h, x_row};
  const tms_out out = {y, g->out_h, y_row};
  run(g, in, out, 0, g->out_h);
}

/* Each output row by itself; rows of both tensors have gaps between them, guards around the output. */
static void run_row_by_row(run_rows *run, const tms_window *g, const uint8_t *x, int32_t x_row, uint8_t *y,
                           int32_t y_row) {
  const int32_t x_stride = x_row + GAP_BYTES, y_stride = y_row + GAP_BYTES;
  const size_t y_bytes = (size_t)(g->out_h * y_stride) + 2 * GUARD_BYTES;
  uint8_t *wide_x = allocate((size_t)(g->in_h * x_stride)), *wide_y = allocate(y_bytes);
  memset(wide_x, GUARD, (size_t)(g->in_h * x_stride));
  memset(wide_y, GUARD, y_bytes);
  for (int32_t i = 0; i < g->in_h; i++) {
    memcpy(wide_x + i * x_stride, x + i * x_row, (size_t)x_row);
  }
  const tms_in in = {wide_x, g->in_h, x_stride};
  const tms_out out = {wide_y + GUARD_BYTES, g->out_h, y_stride};
  for (int32_t i = 0; i < g->out_h; i++) {
    run(g, in, out, i, i + 1);
  }
  check_guard(wide_y, GUARD_BYTES);
  for (int32_t i = 0; i < g->out_h; i++) {
    const uint8_t *row = wide_y + GUARD_BYTES + i * y_stride;
    memcpy(y + i * y_row, row, (size_t)y_row);
    check_guard(row + y_row, GAP_BYTES);
  }
  check_guard(wide_y + y_bytes - GUARD_BYTES, GUARD_BYTES);
  free(wide_x);
  free(wide_y);
}

/* Each output row from a ring that holds only the input rows that it needs, to a ring of one row. */
static void run_from_ring(run_rows *run, const tms_window *g, const uint8_t *x, int32_t x_row, uint8_t *y,
                          int32_t y_row, int upsampling) {
  const int32_t extent = (g->kernel_h - 1) * g->dilation_h + 1;
  const int32_t rows = upsampling ? (extent - 1) / g->stride_h + 1 : extent;
  const int32_t height = rows < g->in_h ? rows : g->in_h;
  uint8_t *ring = allocate((size_t)(height * x_row)), *row = allocate((size_t)y_row);
  const tms_in in = {ring, height, x_row};
  const tms_out out = {row, 1, y_row};
  for (int32_t i = 0; i < g->out_h; i++) {
    memset(ring, GUARD, (size_t)(height * x_row));
    for (int32_t k = 0; k < g->kernel_h; k++) {
      int32_t from = i * g->stride_h - g->pad_top + k * g->dilation_h, rest = 0;
      if (upsampling) {
        const int32_t at = i + g->pad_top - k * g->dilation_h;
        from = at / g->stride_h, rest = at % g->stride_h;
      }
      if (!rest && from >= 0 && from < g->in_h) {
        memcpy(ring + from % height * x_row, x + from * x_row, (size_t)x_row);
      }
    }
    run(g, in, out, i, i + 1);
    memcpy(y + i * y_row, row, (size_t)y_row);
  }
  free(ring);
  free(row);
}

static void run_window(run_rows *run, uint32_t mode, const tms_window *g, const uint8_t *x, uint32_t x_bytes,
                       uint8_t *y, uint32_t y_bytes) {
  const int32_t x_row = (int32_t)x_bytes / g->in_h, y_row = (int32_t)y_bytes / g->out_h;
  switch (mode) {
  case WHOLE:
    run_whole(run, g, x, x_row, y, y_row);
    break;
  case ROWS:
    run_row_by_row(run, g, x, x_row, y, y_row);
    break;
  default:
    run_from_ring(run, g, x, x_row, y, y_row, mode == UPSAMPLING_RING);
  }
}

static void run_in_place(run_flat *run, const void *params, void **inputs, void *out, uint32_t bytes) {
  run(params, inputs, inputs, NULL);
  memcpy(out, inputs[0], bytes);
}

/* Scratch holds garbage and is exactly as large as the kernel asked for. */
static void run_whole_flat(run_flat *run, const void *params, void *const *inputs, void *const *outputs,
                           uint32_t scratch_bytes) {
  void *scratch = allocate(scratch_bytes);
  memset(scratch, GUARD, scratch_bytes);
  run(params, inputs, outputs, scratch);
  free(scratch);
}

static void answer(const tms_request *request) {
  uint8_t *params = allocate(request->param_bytes);
  void *pointers[MOST_POINTERS], *inputs[MOST_INPUTS], *outputs[MOST_OUTPUTS];
  uint32_t bytes, in_bytes[MOST_INPUTS], out_bytes[MOST_OUTPUTS];
  if (request->pointers > MOST_POINTERS || request->inputs > MOST_INPUTS || request->outputs > MOST_OUTPUTS ||
      !read_exactly(params, request->param_bytes)) {
    stop("bad request");
  }
  for (uint32_t i = 0; i < request->pointers; i++) {
    uint32_t offset;
    if (!read_exactly(&offset, sizeof offset)) {
      stop("request cut short");
    }
    pointers[i] = read_block(&bytes);
    memcpy(params + offset, &pointers[i], sizeof pointers[i]);
  }
  for (uint32_t i = 0; i < request->inputs; i++) {
    inputs[i] = read_block(&in_bytes[i]);
  }
  for (uint32_t i = 0; i < request->outputs; i++) {
    outputs[i] = read_block(&out_bytes[i]);
  }
  if (kernels[request->kernel].rows) {
    run_window(kernels[request->kernel].rows, request->mode, (const tms_window *)(void *)params, inputs[0],
               in_bytes[0], outputs[0], out_bytes[0]);
  } else if (request->mode == IN_PLACE) {
    run_in_place(kernels[request->kernel].flat, params, inputs, outputs[0], out_bytes[0]);
  } else {
    run_whole_flat(kernels[request->kernel].flat, params, inputs, outputs, request->scratch_bytes);
  }
  for (uint32_t i = 0; i < request->outputs; i++) {
    fwrite(outputs[i], 1, out_bytes[i], stdout);
    free(outputs[i]);
  }
  fflush(stdout);
  for (uint32_t i = 0; i < request->pointers; i++) {
    free(pointers[i]);
  }
  for (uint32_t i = 0; i < request->inputs; i++) {
    free(inputs[i]);
  }
  free(params);
}

int main(void) {
  tms_request request;
  while (read_exactly(&request, sizeof request)) {
    answer(&request);
  }
  return 0;
}
