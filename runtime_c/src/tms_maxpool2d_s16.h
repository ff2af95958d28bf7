/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAXPOOL2D_S16_H
#define TMS_MAXPOOL2D_S16_H

#include "tms_pool2d_s16.h"

TMS_BODY void tms_maxpool2d_s16_body(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0,
                                     int32_t y1) {
  tms_pool2d_s16_body(p, in, out, y0, y1, 0);
}

#endif
