/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV2D_F32_W8_H
#define TMS_CONV2D_F32_W8_H

#include "tms_float.h"
#include "tms_rows.h"

/* The sum of the taps inside the tensor, in units of the filter's scale; w at the window's first tap. */
static inline float tms_conv2d_f32_w8_sum(const tms_window *g, tms_in in, const int8_t *w, int32_t y,
                                          int32_t x, int32_t channel, tms_taps rows, tms_taps columns) {
  const int32_t depth = g->in_c / g->groups;
  float acc = 0.0f;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const float *row = tms_in_row(in, y + ky * g->dilation_h);
    for (int32_t kx = columns.first; kx < columns.last; kx++) {
      const float *from = row + (x + kx * g->dilation_w) * g->in_c + channel;
      const int8_t *weights = w + (ky * g->kernel_w + kx) * depth;
      for (int32_t c = 0; c < depth; c++) {
        acc += tms_exact(from[c] * (float)weights[c]);
      }
    }
  }
  return acc;
}

static inline void tms_conv2d_f32_w8_body(const tms_conv2d_f32_w8_params *p, tms_in in, tms_out out,
                                          int32_t y0, int32_t y1) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups, filters = g->out_c / g->groups;
  const int32_t filter_size = g->kernel_h * g->kernel_w * depth;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    float *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      for (int32_t o = 0; o < g->out_c; o++) {
        const int8_t *w = p->weights + o * filter_size;
        const float sum = tms_conv2d_f32_w8_sum(g, in, w, y, x, o / filters * depth, rows, columns);
        *to++ = tms_clip(tms_exact(sum * p->scale[o]) + p->bias[o], p->act_min, p->act_max);
      }
    }
  }
}

#endif
