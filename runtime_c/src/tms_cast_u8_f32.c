/* SPDX-License-Identifier: 0BSD */
#include "tms_cast_u8_f32.h"

void tms_cast_u8_f32(const tms_unary_f32_params *p, const void *in, float *out) {
  tms_cast_u8_f32_body(p, in, out);
}
