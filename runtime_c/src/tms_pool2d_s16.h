/* SPDX-License-Identifier: 0BSD
 *
 * The largest value or the mean of what a window sees. */
#ifndef TMS_POOL2D_S16_H
#define TMS_POOL2D_S16_H

#include "tms_rescale.h"
#include "tms_rows.h"

/* averaged: the mean, rounded half away from zero; else the largest. */
TMS_BODY int32_t tms_pool2d_s16_value(const tms_window *g, tms_in in, int32_t place, int32_t y, tms_taps rows,
                                      tms_taps columns, int averaged) {
  const int32_t n = (rows.last - rows.first) * (columns.last - columns.first);
  int32_t value = averaged ? 0 : INT16_MIN;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const int16_t *row = tms_in_row(in, y + ky * g->dilation_h);
    for (int32_t kx = columns.first; kx < columns.last; kx++) {
      const int32_t x = row[place + kx * g->dilation_w * g->in_c];
      value = averaged ? value + x : x > value ? x : value;
    }
  }
  return !averaged ? value : (value < 0 ? value - n / 2 : value + n / 2) / n;
}

TMS_BODY void tms_pool2d_s16_body(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                  int32_t y1, int averaged) {
  const tms_window *g = &p->window;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    int16_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      for (int32_t c = 0; c < g->in_c; c++) {
        const int32_t value = tms_pool2d_s16_value(g, in, x * g->in_c + c, y, rows, columns, averaged);
        *to++ = (int16_t)tms_clamp(value, p->act_min, p->act_max);
      }
    }
  }
}

#endif
