/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DEPTHWISE2D_F32_W8_H
#define TMS_DEPTHWISE2D_F32_W8_H

#include "tms_float.h"
#include "tms_rows.h"

static inline float tms_depthwise2d_f32_w8_sum(const tms_conv2d_f32_w8_params *p, tms_in in, int32_t o,
                                               int32_t y, int32_t x, tms_taps rows, tms_taps columns) {
  const tms_window *g = &p->window;
  const int32_t channel = o / (g->out_c / g->in_c);
  float acc = 0.0f;
  for (int32_t ky = rows.first; ky < rows.last; ky++) {
    const float *row = tms_in_row(in, y + ky * g->dilation_h);
    for (int32_t kx = columns.first; kx < columns.last; kx++) {
      const int8_t w = p->weights[(ky * g->kernel_w + kx) * g->out_c + o];
      acc += tms_exact(row[(x + kx * g->dilation_w) * g->in_c + channel] * (float)w);
    }
  }
  return acc;
}

static inline void tms_depthwise2d_f32_w8_body(const tms_conv2d_f32_w8_params *p, tms_in in, tms_out out,
                                               int32_t y0, int32_t y1) {
  const tms_window *g = &p->window;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    float *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      for (int32_t o = 0; o < g->out_c; o++) {
        const float sum = tms_depthwise2d_f32_w8_sum(p, in, o, y, x, rows, columns);
        *to++ = tms_clip(tms_exact(sum * p->scale[o]) + p->bias[o], p->act_min, p->act_max);
      }
    }
  }
}

#endif
