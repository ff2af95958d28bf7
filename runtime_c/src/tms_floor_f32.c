/* SPDX-License-Identifier: 0BSD */
#include "tms_floor_f32.h"

void tms_floor_f32(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_floor_f32_body(p, in, out);
}
