/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAXPOOL2D_S8_H
#define TMS_MAXPOOL2D_S8_H

#include "tms_pool2d_s8.h"

TMS_BODY int32_t tms_max_of_patch_s8(const tms_window *g, tms_in in, const tms_pool2d_patch *patch,
                                     int32_t channel) {
  int32_t max = INT8_MIN, slot = patch->slot;
  for (int32_t i = 0; i < patch->rows; i++) {
    const int8_t *x = (const int8_t *)in.base + (ptrdiff_t)slot * in.stride + patch->x * g->in_c + channel;
    for (int32_t j = 0; j < patch->columns; j++, x += g->dilation_w * g->in_c) {
      max = *x > max ? *x : max;
    }
    slot = tms_next_slot(in, slot, g->dilation_h);
  }
  return max;
}

TMS_BODY void tms_maxpool2d_s8_body(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                    int32_t y1) {
  tms_pool2d_s8_body(p, in, out, y0, y1, tms_max_of_patch_s8);
}

#endif
