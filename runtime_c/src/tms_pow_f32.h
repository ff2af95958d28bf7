/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_POW_F32_H
#define TMS_POW_F32_H

#include "tms_binary_f32.h"
#include "tms_math.h"

TMS_BODY float tms_pow_pair_f32(float a, float b) { return tms_powf(a, b); }

TMS_BODY void tms_pow_f32_body(const tms_binary_f32_params *p, const float *a, const float *b, float *out) {
  tms_binary_f32_body(p, a, b, out, tms_pow_pair_f32);
}

#endif
