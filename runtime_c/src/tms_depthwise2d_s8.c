/* SPDX-License-Identifier: 0BSD */
#include "tms_depthwise2d_s8.h"
#include "tms_rescale.h"

TMS_BODY void tms_depthwise2d_s8_channels(const tms_conv2d_s8_params *p, tms_in in,
                                          const tms_depthwise2d_patch *patch, int32_t channel, int one_each,
                                          int32_t o, int32_t n, int8_t *to, int rounding) {
  const tms_window *g = &p->window;
  const int32_t offset = p->in_offset;
  int32_t sums[TMS_DEPTHWISE_BLOCK];
  for (int32_t i = 0; i < n; i++) {
    sums[i] = p->bias[o + i];
  }
  int32_t slot = patch->slot;
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *row = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + channel;
    for (int32_t kx = patch->columns.first; kx < patch->columns.last; kx++) {
      const int8_t *x = row + (patch->x + kx * g->dilation_w) * g->in_c;
      const int8_t *w = p->weights + (ky * g->kernel_w + kx) * g->out_c + o;
      if (one_each) {
        for (int32_t i = 0; i < n; i++) {
          sums[i] += (x[i] + offset) * w[i];
        }
      } else {
        for (int32_t i = 0; i < n; i++) {
          sums[i] += (*x + offset) * w[i];
        }
      }
    }
    slot = tms_next_slot(in, slot, g->dilation_h);
  }
  for (int32_t i = 0; i < n; i++) {
    const int32_t scaled = tms_rescale(sums[i], p->multiplier[o + i], p->shift[o + i], rounding);
    to[i] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
  }
}

void tms_depthwise2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_depthwise2d_s8_body(p, in, out, y0, y1, tms_depthwise2d_s8_channels, TMS_ONCE);
}

void tms_depthwise2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_depthwise2d_s8_body(p, in, out, y0, y1, tms_depthwise2d_s8_channels, TMS_TWICE);
}
