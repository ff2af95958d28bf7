/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SCALE2D_S32_S8_H
#define TMS_SCALE2D_S32_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_scale2d_s32_s8_body(const tms_scale2d_s32_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                      int32_t y1, int rounding) {
  const tms_window *g = &p->window;
  for (int32_t y = y0; y < y1; y++) {
    const int32_t *sums = tms_in_row(in, y * g->stride_h - g->pad_top);
    int8_t *to = tms_out_row(out, y);
    for (int32_t i = 0; i < g->out_w * g->out_c; i++) {
      const int32_t scaled = tms_rescale(sums[i] + p->bias, p->multiplier, p->shift, rounding);
      to[i] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
    }
  }
}

#endif
