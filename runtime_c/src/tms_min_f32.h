/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MIN_F32_H
#define TMS_MIN_F32_H

#include "tms_binary_f32.h"

TMS_BODY float tms_min_pair_f32(float a, float b) { return a != a || b != b ? TMS_NANF : b < a ? b : a; }

TMS_BODY void tms_min_f32_body(const tms_binary_f32_params *p, const float *a, const float *b, float *out) {
  tms_binary_f32_body(p, a, b, out, tms_min_pair_f32);
}

#endif
