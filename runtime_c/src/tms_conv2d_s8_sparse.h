/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CONV2D_S8_SPARSE_H
#define TMS_CONV2D_S8_SPARSE_H

#include "tms_rescale.h"
#include "tms_sparse_s8.h"

/* What some neighbouring output places see: the first one's first column, and the taps inside the
 * tensor, the same for all. */
typedef struct {
  tms_taps rows, columns;
  int32_t slot; /* of the first row */
  int32_t x;
  int32_t places; /* 1 or TMS_SPARSE_PLACES */
} tms_conv2d_sparse_patch;

/* Adds one filter's products to a sum a place; returns the next filter's weights. */
TMS_BODY const int8_t *tms_conv2d_s8_sparse_sums(const tms_conv2d_s8_params *p, tms_in in,
                                                 const tms_conv2d_sparse_patch *patch, const int8_t *w,
                                                 int32_t block, int32_t *sums) {
  const tms_window *g = &p->window;
  const int32_t depth = g->in_c, step = g->stride_w * depth;
  int32_t slot = patch->slot;
  w = tms_sparse_skip(w, patch->rows.first * g->kernel_w, depth, block);
  for (int32_t ky = patch->rows.first; ky < patch->rows.last; ky++) {
    const int8_t *x = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride;
    w = tms_sparse_skip(w, patch->columns.first, depth, block);
    for (int32_t kx = patch->columns.first; kx < patch->columns.last; kx++) {
      const int8_t *v = x + (patch->x + kx * g->dilation_w) * depth;
      if (patch->places == 1) {
        w = tms_sparse_dots_s8(w, v, step, 1, depth, block, p->in_offset, sums);
      } else {
        w = tms_sparse_dots_s8(w, v, step, TMS_SPARSE_PLACES, depth, block, p->in_offset, sums);
      }
    }
    w = tms_sparse_skip(w, g->kernel_w - patch->columns.last, depth, block);
    slot = tms_next_slot(in, slot, g->dilation_h);
  }
  return tms_sparse_skip(w, (g->kernel_h - patch->rows.last) * g->kernel_w, depth, block);
}

/* How many places from column ox on are computed together: those that see the same taps. */
static inline int32_t tms_sparse_places(const tms_window *g, int32_t ox, tms_taps columns) {
  const int32_t x = (ox + TMS_SPARSE_PLACES - 1) * g->stride_w - g->pad_left;
  if (ox + TMS_SPARSE_PLACES > g->out_w || columns.first != 0) {
    return 1;
  }
  const tms_taps last = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
  return last.last == columns.last ? TMS_SPARSE_PLACES : 1;
}

TMS_BODY void tms_conv2d_s8_sparse_body(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                        int32_t y1, int32_t block, int rounding) {
  const tms_window *g = &p->window;
  for (int32_t oy = y0; oy < y1; oy++) {
    const int32_t y = oy * g->stride_h - g->pad_top;
    const tms_taps rows = tms_taps_inside(y, g->dilation_h, g->kernel_h, g->in_h);
    const int32_t slot = (y + rows.first * g->dilation_h) % in.height;
    int8_t *to = tms_out_row(out, oy);
    for (int32_t ox = 0, n; ox < g->out_w; ox += n, to += n * g->out_c) {
      const int32_t x = ox * g->stride_w - g->pad_left;
      const tms_taps columns = tms_taps_inside(x, g->dilation_w, g->kernel_w, g->in_w);
      n = tms_sparse_places(g, ox, columns);
      const tms_conv2d_sparse_patch patch = {rows, columns, slot, x, n};
      const int8_t *w = p->weights;
      for (int32_t o = 0; o < g->out_c; o++) {
        int32_t sums[TMS_SPARSE_PLACES] = {p->bias[o], p->bias[o], p->bias[o], p->bias[o]};
        w = tms_conv2d_s8_sparse_sums(p, in, &patch, w, block, sums);
        for (int32_t k = 0; k < n; k++) {
          const int32_t scaled = tms_rescale(sums[k], p->multiplier[o], p->shift[o], rounding);
          to[k * g->out_c + o] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
        }
      }
    }
  }
}

#endif
