/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CUMSUM2D_S8_H
#define TMS_CUMSUM2D_S8_H

#include "tms_rows.h"

TMS_BODY void tms_cumsum2d_s8_body(const tms_cumsum2d_params *p, tms_in in, tms_out out, int32_t y0,
                                   int32_t y1) {
  const tms_window *g = &p->window;
  for (int32_t y = y0; y < y1; y++) {
    const int8_t *row = tms_in_row(in, y);
    const int32_t *above = y > 0 ? tms_out_row(out, y - 1) : NULL;
    int32_t *sums = tms_out_row(out, y);
    for (int32_t c = 0; c < g->in_c; c++) {
      int32_t sum = above ? above[c] : 0;
      for (int32_t x = 0; x < g->in_w; x++) {
        sum += row[x * g->in_c + c];
      }
      sums[c] = sum;
    }
  }
}

#endif
