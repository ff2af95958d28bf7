/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_REDUCE_L1_F32_H
#define TMS_REDUCE_L1_F32_H

#include "tms_reduce_f32.h"

TMS_BODY float tms_join_l1_f32(float so_far, float x) { return so_far + (x < 0.0f ? -x : x); }

TMS_BODY void tms_reduce_l1_f32_body(const tms_mean_f32_params *p, const float *in, float *out) {
  tms_reduce_f32_body(p, in, out, 0.0f, tms_join_l1_f32);
}

#endif
