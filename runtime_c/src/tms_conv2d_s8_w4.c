/* SPDX-License-Identifier: 0BSD */
#include "tms_conv2d_s8.h"
#include "tms_dot_s8_w4.h"
#include "tms_put_s8.h"

/* Adds to sums[n] the products of n filters, which begin at w, and input channels from `channel`. */
TMS_BODY void tms_conv2d_s8_w4_sums(const tms_conv2d_s8_params *p, tms_in in, const tms_conv2d_patch *patch,
                                    const int8_t *w, int32_t w_row, int32_t channel, int32_t n,
                                    int32_t *sums) {
  const int32_t w_filter = tms_nibble_bytes(p->window.kernel_h * w_row);
  int32_t slot = patch->slot, first = patch->weight;
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *x = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + patch->place + channel;
    for (int32_t i = 0; i < patch->runs; i++) {
      tms_dots_s8_w4(sums, n, x + i * patch->x_step, w, w_filter, first + i * patch->w_step, patch->run,
                     p->in_offset);
    }
    first += w_row;
    slot = tms_next_slot(in, slot, p->window.dilation_h);
  }
}

TMS_BODY void tms_conv2d_s8_w4_filters(const tms_conv2d_s8_params *p, tms_in in,
                                       const tms_conv2d_patch *patch, int32_t depth, int32_t filters,
                                       int8_t *to, int rounding) {
  const int32_t w_row = p->window.kernel_w * depth, w_filter = tms_nibble_bytes(p->window.kernel_h * w_row);
  int32_t sums[TMS_FILTERS];
  for (int32_t start = 0, channel = 0; start < p->window.out_c; start += filters, channel += depth) {
    for (int32_t i = 0; i < filters; i += TMS_FILTERS) {
      const int32_t n = filters - i < TMS_FILTERS ? filters - i : TMS_FILTERS, first = start + i;
      const tms_scaling s = {p->multiplier + first, p->shift + first, p->out_offset, p->act_min, p->act_max};
      tms_begin_sums(sums, p->bias + first, n);
      tms_conv2d_s8_w4_sums(p, in, patch, p->weights + first * w_filter, w_row, channel, n, sums);
      tms_put_s8(to, sums, n, &s, rounding);
      to += n;
    }
  }
}

void tms_conv2d_s8_w4(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, tms_conv2d_s8_w4_filters, TMS_ONCE);
}

void tms_conv2d_s8_w4_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, tms_conv2d_s8_w4_filters, TMS_TWICE);
}
