/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV2D_S8_W4_H
#define TMS_CONV2D_S8_W4_H

#include "tms_nibble.h"
#include "tms_rescale.h"
#include "tms_rows.h"

/* One output value before it is rescaled: the taps inside the tensor; w is the filter. */
static inline int32_t tms_conv2d_s8_w4_sum(const tms_conv2d_s8_params *p, tms_in in, int32_t acc,
                                           const int8_t *w, int32_t y, int32_t x, int32_t channel,
                                           tms_taps rows, tms_taps columns) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const int8_t *row = tms_in_row(in, y + ky * g->dilation_h);
    for (int32_t kx = columns.first; kx < columns.last; kx++) {
      const int8_t *from = row + (x + kx * g->dilation_w) * g->in_c + channel;
      const int32_t first = (ky * g->kernel_w + kx) * depth;
      for (int32_t c = 0; c < depth; c++) {
        acc += (from[c] + p->in_offset) * tms_nibble(w, first + c);
      }
    }
  }
  return acc;
}

TMS_BODY void tms_conv2d_s8_w4_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                    int32_t y1, int rounding) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups, filters = g->out_c / g->groups;
  const int32_t filter_bytes = tms_nibble_bytes(g->kernel_h * g->kernel_w * depth);
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      for (int32_t o = 0; o < g->out_c; o++) {
        const int8_t *w = p->weights + o * filter_bytes;
        const int32_t sum =
            tms_conv2d_s8_w4_sum(p, in, p->bias[o], w, y, x, o / filters * depth, rows, columns);
        const int32_t scaled = tms_rescale(sum, p->multiplier[o], p->shift[o], rounding);
        *to++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
      }
    }
  }
}

#endif
