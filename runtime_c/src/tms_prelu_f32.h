/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_PRELU_F32_H
#define TMS_PRELU_F32_H

#include "tms_binary_f32.h"

TMS_BODY float tms_prelu_pair_f32(float a, float b) { return a < 0.0f ? a * b : a; }

TMS_BODY void tms_prelu_f32_body(const tms_binary_f32_params *p, const float *a, const float *b, float *out) {
  tms_binary_f32_body(p, a, b, out, tms_prelu_pair_f32);
}

#endif
