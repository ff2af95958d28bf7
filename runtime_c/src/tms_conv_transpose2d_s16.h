/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV_TRANSPOSE2D_S16_H
#define TMS_CONV_TRANSPOSE2D_S16_H

#include "tms_rescale.h"
#include "tms_upsampling.h"

/* One output value before it is rescaled; w is the filter, channel its first input channel. */
static inline int64_t tms_conv_transpose2d_s16_sum(const tms_window *g, tms_in in, int64_t acc,
                                                   const int8_t *w, int32_t oy, int32_t ox, int32_t channel) {
  const int32_t depth = g->in_c / g->groups;
  for (int32_t ky = 0; ky < g->kernel_h; ky++) {
    const int32_t y = tms_upsampled_from(oy, g->pad_top, ky, g->dilation_h, g->stride_h, g->in_h);
    for (int32_t kx = 0; kx < g->kernel_w; kx++, w += depth) {
      const int32_t x = tms_upsampled_from(ox, g->pad_left, kx, g->dilation_w, g->stride_w, g->in_w);
      if (y < 0 || x < 0) {
        continue;
      }
      const int16_t *from = (const int16_t *)tms_in_row(in, y) + x * g->in_c + channel;
      for (int32_t c = 0; c < depth; c++) {
        acc += from[c] * w[c];
      }
    }
  }
  return acc;
}

static inline void tms_conv_transpose2d_s16_body(const tms_conv2d_s16_params *p, tms_in in, tms_out out,
                                                 int32_t y0, int32_t y1) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c / g->groups, filters = g->out_c / g->groups;
  const int32_t filter_size = g->kernel_h * g->kernel_w * depth;
  for (int32_t oy = y0; oy < y1; oy++) {
    int16_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++) {
      for (int32_t o = 0; o < g->out_c; o++) {
        const int8_t *w = p->weights + o * filter_size;
        const int64_t sum = tms_conv_transpose2d_s16_sum(g, in, p->bias[o], w, oy, ox, o / filters * depth);
        const int32_t scaled = tms_rescale_wide(sum, p->multiplier[o], p->shift[o]);
        *to++ = (int16_t)tms_clamp(scaled, p->act_min, p->act_max);
      }
    }
  }
}

#endif
