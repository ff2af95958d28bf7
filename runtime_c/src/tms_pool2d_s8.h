/* SPDX-License-Identifier: 0BSD
 *
 * Walks a pooling window; what is done with the values of one channel in it is given as a function
 * that the compiler inlines. */
#ifndef TMS_POOL2D_S8_H
#define TMS_POOL2D_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

/* The taps inside the tensor at one output place: rows from ring slot `slot`, columns from x on. */
typedef struct {
  int32_t slot, x, rows, columns;
} tms_pool2d_patch;

typedef int32_t tms_pool_s8(const tms_window *g, tms_in in, const tms_pool2d_patch *patch, int32_t channel);

TMS_BODY void tms_pool2d_s8_body(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                 int32_t y1, tms_pool_s8 *of_patch) {
  const tms_window *g = &p->window;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    const int32_t slot = (y + rows.first * g->dilation_h) % in.height;
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      const tms_pool2d_patch patch = {slot, x + columns.first * g->dilation_w, rows.last - rows.first,
                                      columns.last - columns.first};
      for (int32_t c = 0; c < g->out_c; c++) {
        *to++ = (int8_t)tms_clamp(of_patch(g, in, &patch, c), p->act_min, p->act_max);
      }
    }
  }
}

#endif
