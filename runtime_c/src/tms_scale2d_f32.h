/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SCALE2D_F32_H
#define TMS_SCALE2D_F32_H

#include "tms_float.h"
#include "tms_rows.h"

TMS_BODY void tms_scale2d_f32_body(const tms_scale2d_f32_params *p, tms_in in, tms_out out, int32_t y0,
                                   int32_t y1) {
  const tms_window *g = &p->window;
  for (int32_t y = y0; y < y1; y++) {
    const float *from = tms_in_row(in, y * g->stride_h - g->pad_top);
    float *to = tms_out_row(out, y);
    for (int32_t i = 0; i < g->out_w * g->out_c; i++) {
      to[i] = tms_one_nan(tms_exact(from[i] * p->factor));
    }
  }
}

#endif
