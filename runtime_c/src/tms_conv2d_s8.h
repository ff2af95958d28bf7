/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV2D_S8_H
#define TMS_CONV2D_S8_H

#include "tms_dot_s8.h"
#include "tms_rescale.h"
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

/* Adds to sums[n] the products of n filters, the first one's weights at w, and input channels from
 * `channel`. */
TMS_BODY void tms_conv2d_s8_sums(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                 const int8_t *w, int32_t w_row, int32_t channel, int32_t n, int32_t *sums,
                                 int bits) {
  const int32_t w_filter = tms_filter_bytes(p->window.kernel_h * w_row, bits);
  int32_t slot = patch->slot, first = patch->weight;
  if (bits == 8) {
    w += first, first = 0; /* one register less than an index */
  }
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *x = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + patch->place + channel;
    for (int32_t i = 0; i < patch->runs; i++) {
      tms_dots_s8(sums, n, x + i * patch->x_step, w, w_filter, first + i * patch->w_step, patch->run,
                  p->in_offset, bits);
    }
    if (bits == 8) {
      w += w_row;
    } else {
      first += w_row;
    }
    slot = tms_next_slot(in, slot, p->window.dilation_h);
  }
}

/* All channels of one output place, group by group, a few filters at a time. */
TMS_BODY void tms_conv2d_s8_place(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                  int32_t depth, int32_t filters, int8_t *to, int bits, int rounding) {
  const int32_t w_row = p->window.kernel_w * depth;
  const int32_t w_filter = tms_filter_bytes(p->window.kernel_h * w_row, bits);
  int32_t sums[TMS_FILTERS];
  for (int32_t start = 0, channel = 0; start < p->window.out_c; start += filters, channel += depth) {
    for (int32_t i = 0; i < filters; i += TMS_FILTERS) {
      const int32_t n = filters - i < TMS_FILTERS ? filters - i : TMS_FILTERS, first = start + i;
      for (int32_t k = 0; k < n; k++) {
        sums[k] = p->bias[first + k];
      }
      tms_conv2d_s8_sums(p, in, patch, p->weights + first * w_filter, w_row, channel, n, sums, bits);
      for (int32_t k = 0; k < n; k++) {
        const int32_t scaled = tms_rescale(sums[k], p->multiplier[first + k], p->shift[first + k], rounding);
        *to++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
      }
    }
  }
}

TMS_BODY void tms_conv2d_s8_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                 int32_t y1, int bits, int rounding) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups, filters = g->out_c / g->groups;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++, to += g->out_c) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_conv2d_patch patch = tms_conv2d_patch_at(g, in, depth, rows, y, x);
      tms_conv2d_s8_place(p, in, &patch, depth, filters, to, bits, rounding);
    }
  }
}

#endif
