/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV2D_S8_H
#define TMS_CONV2D_S8_H

#include "tms_rows.h"

/* The part of the input that one output place sees. Neighbouring taps of an undilated, ungrouped
 * window are one run in memory; other windows have a run a tap. */
typedef struct {
  tms_taps rows;
  int32_t slot;          /* of the first row */
  int32_t place, weight; /* of the first run, within an input row and a filter */
  int32_t runs, run, x_step, w_step;
} tms_conv2d_patch;

static inline tms_conv2d_patch tms_conv2d_patch_at(const tms_window *g, tms_in in, int32_t depth,
                                                   tms_taps rows, int32_t y, int32_t x) {
  const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
  const int32_t n = columns.last - columns.first;
  const int joined = g->dilation_w == 1 && g->groups == 1;
  const tms_conv2d_patch patch = {
      .rows = rows,
      .slot = (y + rows.first * g->dilation_h) % in.height,
      .place = (x + columns.first * g->dilation_w) * g->in_c,
      .weight = (rows.first * g->kernel_w + columns.first) * depth,
      .runs = joined ? 1 : n,
      .run = joined ? n * depth : depth,
      .x_step = g->dilation_w * g->in_c,
      .w_step = depth,
  };
  return patch;
}

/* All channels of one output place, group by group, a few filters at a time. */
typedef void tms_conv2d_s8_place(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                 int32_t depth, int32_t filters, int8_t *to, int rounding);

/* Kernels differ in how they compute a place, by weights of 8 or 4 bits; the call is folded away. */
TMS_BODY void tms_conv2d_s8_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                 int32_t y1, tms_conv2d_s8_place *place, int rounding) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups, filters = g->out_c / g->groups;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++, to += g->out_c) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_conv2d_patch patch = tms_conv2d_patch_at(g, in, depth, rows, y, x);
      place(p, in, &patch, depth, filters, to, rounding);
    }
  }
}

#endif
