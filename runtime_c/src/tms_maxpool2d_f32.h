/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAXPOOL2D_F32_H
#define TMS_MAXPOOL2D_F32_H

#include "tms_pool2d_f32.h"

/* The first among equals; a NaN wins and passes as it is. */
TMS_BODY float tms_larger_f32(float so_far, float x) { return so_far < x || x != x ? x : so_far; }

TMS_BODY void tms_maxpool2d_f32_body(const tms_pool2d_f32_params *p, tms_in in, tms_out out, int32_t y0,
                                     int32_t y1) {
  tms_pool2d_f32_body(p, in, out, y0, y1, -TMS_INFINITYF, tms_larger_f32, 0);
}

#endif
