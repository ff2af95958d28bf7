/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_AVGPOOL2D_F32_H
#define TMS_AVGPOOL2D_F32_H

#include "tms_pool2d_f32.h"

TMS_BODY float tms_sum_f32(float so_far, float x) { return so_far + x; }

TMS_BODY void tms_avgpool2d_f32_body(const tms_pool2d_f32_params *p, tms_in in, tms_out out, int32_t y0,
                                     int32_t y1) {
  tms_pool2d_f32_body(p, in, out, y0, y1, 0.0f, tms_sum_f32, 1);
}

#endif
