/* SPDX-License-Identifier: 0BSD
 *
 * Where rows lie, and which taps of a window touch the tensor. */
#ifndef TMS_ROWS_H
#define TMS_ROWS_H

#include "tms.h"

/* Kernels and their _dr variants are one body with a constant argument, which must fold away. */
#define TMS_BODY static inline __attribute__((always_inline))

/* Before a short loop: four copies of a long body cost flash and save next to nothing. */
#define TMS_ROLLED _Pragma("GCC unroll 1")

/* A function that several kernels bring along; the linker keeps one of them. */
#define TMS_SHARED __attribute__((weak, noinline))

/* Filters that share each load of the input: as many sums and weight pointers as registers hold. */
enum { TMS_FILTERS = 4 };

/* Row y, y >= 0, of a tensor or of the ring buffer that holds its live rows. */
static inline const void *tms_in_row(tms_in in, int32_t y) {
  return (const uint8_t *)in.base + (ptrdiff_t)(y % in.height) * in.stride;
}

static inline void *tms_out_row(tms_out out, int32_t y) {
  return (uint8_t *)out.base + (ptrdiff_t)(y % out.height) * out.stride;
}

/* The row `by` rows below the one in ring slot `slot`, as a slot; both rows are live. */
static inline int32_t tms_next_slot(tms_in in, int32_t slot, int32_t by) {
  slot += by;
  return slot < in.height ? slot : slot - in.height;
}

/* Taps k in [first, last) whose place start + k * dilation lies in [0, size). */
typedef struct {
  int32_t first, last;
} tms_taps;

static inline tms_taps tms_taps_inside(int32_t start, int32_t dilation, int32_t taps, int32_t size) {
  tms_taps inside = {0, taps};
  TMS_ROLLED
  for (; inside.first < taps; inside.first++) {
    if (start + inside.first * dilation >= 0) {
      break;
    }
  }
  TMS_ROLLED
  for (; inside.last > inside.first; inside.last--) {
    if (start + (inside.last - 1) * dilation < size) {
      break;
    }
  }
  return inside;
}

#endif
