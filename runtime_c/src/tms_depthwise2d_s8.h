/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DEPTHWISE2D_S8_H
#define TMS_DEPTHWISE2D_S8_H

#include "tms_nibble.h"
#include "tms_rescale.h"
#include "tms_rows.h"

/* Channels are taken in blocks whose sums stay on the stack. With one filter a channel, a block is
 * neighbouring channels; with several, it is filters over the same channel. */
enum { TMS_DEPTHWISE_BLOCK = 16 };

/* The window at one output place: its first column, and the taps inside the tensor. */
typedef struct {
  tms_taps rows, columns;
  int32_t slot; /* of the first row */
  int32_t x;
} tms_depthwise2d_patch;

TMS_BODY int32_t tms_depthwise2d_weight(const int8_t *tap, int32_t o, int bits) {
  return bits == 4 ? tms_nibble(tap, o) : tap[o];
}

/* The channels of a block, which begins with an even one, by weights of 4 bits. */
static inline void tms_depthwise2d_s8_pairs(int32_t *sums, const int8_t *x, const int8_t *w, int32_t n,
                                            int32_t offset) {
  for (int32_t i = 0; i + 1 < n; i += 2) {
    const int32_t pair = w[i >> 1];
    sums[i] += (x[i] + offset) * tms_low_nibble(pair);
    sums[i + 1] += (x[i + 1] + offset) * (pair >> 4);
  }
  if (n & 1) {
    sums[n - 1] += (x[n - 1] + offset) * tms_low_nibble(w[n >> 1]);
  }
}

TMS_BODY void tms_depthwise2d_s8_sum(const tms_conv2d_s8_params *p, tms_in in,
                                     const tms_depthwise2d_patch *patch, int32_t channel, int one_each,
                                     int32_t o, int32_t n, int32_t *sums, int bits) {
  const tms_window *g = &p->window;
  const int32_t offset = p->in_offset;
  for (int32_t i = 0; i < n; i++) {
    sums[i] = p->bias[o + i];
  }
  int32_t slot = patch->slot;
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *row = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + channel;
    for (int32_t kx = patch->columns.first; kx < patch->columns.last; kx++) {
      const int8_t *x = row + (patch->x + kx * g->dilation_w) * g->in_c;
      const int32_t tap = ky * g->kernel_w + kx;
      const int8_t *w = p->weights + tap * (bits == 4 ? tms_nibble_bytes(g->out_c) : g->out_c);
      if (one_each && bits == 4) {
        tms_depthwise2d_s8_pairs(sums, x, w + (o >> 1), n, offset);
      } else if (one_each) {
        w += o;
        for (int32_t i = 0; i < n; i++) {
          sums[i] += (x[i] + offset) * w[i];
        }
      } else {
        for (int32_t i = 0; i < n; i++) {
          sums[i] += (*x + offset) * tms_depthwise2d_weight(w, o + i, bits);
        }
      }
    }
    slot = tms_next_slot(in, slot, g->dilation_h);
  }
}

TMS_BODY void tms_rescale_block(const tms_conv2d_s8_params *p, const int32_t *sums, int32_t o, int32_t n,
                                int8_t *to, int rounding) {
  for (int32_t i = 0; i < n; i++) {
    const int32_t scaled = tms_rescale(sums[i], p->multiplier[o + i], p->shift[o + i], rounding);
    to[i] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
  }
}

TMS_BODY void tms_depthwise2d_s8_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                      int32_t y1, int bits, int rounding) {
  const tms_window *g = &p->window;
  const int one_each = g->out_c == g->in_c;
  const int32_t run = one_each ? g->out_c : g->out_c / g->in_c;
  int32_t sums[TMS_DEPTHWISE_BLOCK];
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    const int32_t slot = (y + rows.first * g->dilation_h) % in.height;
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0; ox < g->out_w; ox++, to += g->out_c) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      const tms_depthwise2d_patch patch = {rows, columns, slot, x};
      for (int32_t start = 0, channel = 0; start < g->out_c; start += run, channel++) {
        for (int32_t i = 0; i < run; i += TMS_DEPTHWISE_BLOCK) {
          const int32_t n = run - i < TMS_DEPTHWISE_BLOCK ? run - i : TMS_DEPTHWISE_BLOCK;
          tms_depthwise2d_s8_sum(p, in, &patch, one_each ? i : channel, one_each, start + i, n, sums, bits);
          tms_rescale_block(p, sums, start + i, n, to + start + i, rounding);
        }
      }
    }
  }
}

#endif
