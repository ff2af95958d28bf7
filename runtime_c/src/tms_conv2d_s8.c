/* SPDX-License-Identifier: 0BSD */
#include "tms_conv2d_s8.h"
#include "tms_dot_s8.h"
#include "tms_rescale.h"

/* Adds to sums[n] the products of n filters, the first one's weights at w, and input channels from
 * `channel`. */
TMS_BODY void tms_conv2d_s8_sums(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                 const int8_t *w, int32_t w_row, int32_t channel, int32_t n, int32_t *sums) {
  const int32_t w_filter = p->window.kernel_h * w_row;
  int32_t slot = patch->slot;
  w += patch->weight;
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *x = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + patch->place + channel;
    for (int32_t i = 0; i < patch->runs; i++) {
      tms_dots_s8(sums, n, x + i * patch->x_step, w + i * patch->w_step, w_filter, patch->run, p->in_offset);
    }
    w += w_row;
    slot = tms_next_slot(in, slot, p->window.dilation_h);
  }
}

TMS_BODY void tms_conv2d_s8_filters(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                    int32_t depth, int32_t filters, int8_t *to, int rounding) {
  const int32_t w_row = p->window.kernel_w * depth, w_filter = p->window.kernel_h * w_row;
  int32_t sums[TMS_FILTERS];
  for (int32_t start = 0, channel = 0; start < p->window.out_c; start += filters, channel += depth) {
    for (int32_t i = 0; i < filters; i += TMS_FILTERS) {
      const int32_t n = filters - i < TMS_FILTERS ? filters - i : TMS_FILTERS, first = start + i;
      for (int32_t k = 0; k < n; k++) {
        sums[k] = p->bias[first + k];
      }
      tms_conv2d_s8_sums(p, in, patch, p->weights + first * w_filter, w_row, channel, n, sums);
      for (int32_t k = 0; k < n; k++) {
        const int32_t scaled = tms_rescale(sums[k], p->multiplier[first + k], p->shift[first + k], rounding);
        *to++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
      }
    }
  }
}

void tms_conv2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, tms_conv2d_s8_filters, TMS_ONCE);
}

void tms_conv2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, tms_conv2d_s8_filters, TMS_TWICE);
}
