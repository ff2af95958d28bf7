/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAX_F32_H
#define TMS_MAX_F32_H

#include "tms_binary_f32.h"

TMS_BODY float tms_max_pair_f32(float a, float b) { return a != a || b != b ? TMS_NANF : a < b ? b : a; }

TMS_BODY void tms_max_f32_body(const tms_binary_f32_params *p, const float *a, const float *b, float *out) {
  tms_binary_f32_body(p, a, b, out, tms_max_pair_f32);
}

#endif
