/* SPDX-License-Identifier: 0BSD */
#include "tms_cast_f32_s32.h"

void tms_cast_f32_s32(const tms_unary_f32_params *p, const float *in, int32_t *out) {
  tms_cast_f32_s32_body(p, in, out);
}
