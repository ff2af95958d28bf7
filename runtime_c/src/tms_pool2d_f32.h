/* SPDX-License-Identifier: 0BSD
 *
 * Walks a pooling window; how one more value changes the result so far is given as a function that
 * the compiler inlines. */
#ifndef TMS_POOL2D_F32_H
#define TMS_POOL2D_F32_H

#include "tms_float.h"
#include "tms_rows.h"

typedef float tms_fold_f32(float so_far, float x);

/* Folds the values of one channel that lie inside. */
TMS_BODY float tms_pool2d_f32_value(const tms_window *g, tms_in in, int32_t place, tms_taps rows,
                                    tms_taps columns, int32_t y, float start, tms_fold_f32 *fold) {
  float value = start;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const float *row = tms_in_row(in, y + ky * g->dilation_h);
    for (int32_t kx = columns.first; kx < columns.last; kx++) {
      value = fold(value, tms_exact(row[place + kx * g->dilation_w * g->in_c]));
    }
  }
  return value;
}

/* averaged: times 1 / the number of values. */
TMS_BODY void tms_pool2d_f32_body(const tms_pool2d_f32_params *p, tms_in in, tms_out out, int32_t y0,
                                  int32_t y1, float start, tms_fold_f32 *fold, int averaged) {
  const tms_window *g = &p->window;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    float *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      const int32_t inside = (rows.last - rows.first) * (columns.last - columns.first);
      const float factor = 1.0f / (float)(p->count_padding ? g->kernel_h * g->kernel_w : inside);
      for (int32_t c = 0; c < g->in_c; c++) {
        const float value = tms_pool2d_f32_value(g, in, x * g->in_c + c, rows, columns, y, start, fold);
        *to++ = averaged ? tms_one_nan(value * factor) : value;
      }
    }
  }
}

#endif
