/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DEPTHWISE2D_S8_H
#define TMS_DEPTHWISE2D_S8_H

#include "tms_rows.h"

/* Channels are taken in blocks whose sums stay on the stack. With one filter a channel, a block is
 * neighbouring channels; with several, it is filters over the same channel. */
enum { TMS_DEPTHWISE_BLOCK = 16 };

/* The window at one output place: its first column, and the taps inside the tensor. */
typedef struct {
  tms_taps rows, columns;
  int32_t slot; /* of the first row */
  int32_t x;
} tms_depthwise2d_patch;

/* Outputs o to o + n of one place, n <= TMS_DEPTHWISE_BLOCK, from the input channels (or, unless one_each,
 * from the one input channel) from `channel` on. */
typedef void tms_depthwise2d_s8_block(const tms_conv2d_s8_params *p, tms_in in,
                                      const tms_depthwise2d_patch *patch, int32_t channel, int one_each,
                                      int32_t o, int32_t n, int8_t *to, int rounding);

/* Kernels differ in how they compute a block, by weights of 8 or 4 bits; the call is folded away. */
TMS_BODY void tms_depthwise2d_s8_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                      int32_t y1, tms_depthwise2d_s8_block *block, int rounding) {
  const tms_window *g = &p->window;
  const int one_each = g->out_c == g->in_c;
  const int32_t run = one_each ? g->out_c : g->out_c / g->in_c;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    const int32_t slot = (y + rows.first * g->dilation_h) % in.height;
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++, to += g->out_c) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      const tms_depthwise2d_patch patch = {rows, columns, slot, x};
      for (int32_t start = 0, channel = 0; start < g->out_c; start += run, channel++) {
        for (int32_t i = 0; i < run; i += TMS_DEPTHWISE_BLOCK) {
          const int32_t n = run - i < TMS_DEPTHWISE_BLOCK ? run - i : TMS_DEPTHWISE_BLOCK;
          block(p, in, &patch, one_each ? i : channel, one_each, start + i, n, to + start + i, rounding);
        }
      }
    }
  }
}

#endif
