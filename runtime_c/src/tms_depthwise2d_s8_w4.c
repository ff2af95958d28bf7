/* SPDX-License-Identifier: 0BSD */
#include "tms_depthwise2d_s8.h"
#include "tms_nibble.h"
#include "tms_put_s8.h"

/* Adds the products of n channels from o on, or of several filters over one channel
 * (step 0). Pairs are taken where both the channels and the weights lie in pairs. */
TMS_BODY void tms_depthwise2d_s8_w4_tap(int32_t *sums, const int8_t *x, int32_t step, const int8_t *w,
                                        int32_t o, int32_t n, int32_t offset) {
  const int8_t *pairs = w + (o >> 1);
  int32_t i = 0;
  TMS_ROLLED
  for (const int32_t paired = step * (n - 1); i < paired; i += 2) {
    const int32_t pair = *pairs++;
    sums[i] += (x[i] + offset) * tms_nibble(pair, 0);
    sums[i + 1] += (x[i + 1] + offset) * tms_nibble(pair, 1);
  }
  TMS_ROLLED
  for (; i < n; i++) {
    sums[i] += (x[i * step] + offset) * tms_nibble(w[(o + i) >> 1], (o + i) & 1);
  }
}

TMS_BODY void tms_depthwise2d_s8_w4_channels(const tms_conv2d_s8_params *p, tms_in in,
                                             const tms_depthwise2d_patch *patch, int32_t channel,
                                             int one_each, int32_t o, int32_t n, int8_t *to, int rounding) {
  const tms_window *g = &p->window;
  const int32_t offset = p->in_offset;
  int32_t sums[TMS_DEPTHWISE_BLOCK];
  tms_begin_sums(sums, p->bias + o, n);
  int32_t slot = patch->slot;
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *row = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + channel;
    for (int32_t kx = patch->columns.first; kx < patch->columns.last; kx++) {
      const int8_t *x = row + (patch->x + kx * g->dilation_w) * g->in_c;
      const int8_t *w = p->weights + (ky * g->kernel_w + kx) * tms_nibble_bytes(g->out_c);
      tms_depthwise2d_s8_w4_tap(sums, x, one_each, w, o, n, offset);
    }
    slot = tms_next_slot(in, slot, g->dilation_h);
  }
  const tms_scaling s = {p->multiplier + o, p->shift + o, p->out_offset, p->act_min, p->act_max};
  tms_put_s8(to, sums, n, &s, rounding);
}

void tms_depthwise2d_s8_w4(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_depthwise2d_s8_body(p, in, out, y0, y1, tms_depthwise2d_s8_w4_channels, TMS_ONCE);
}

void tms_depthwise2d_s8_w4_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_depthwise2d_s8_body(p, in, out, y0, y1, tms_depthwise2d_s8_w4_channels, TMS_TWICE);
}
