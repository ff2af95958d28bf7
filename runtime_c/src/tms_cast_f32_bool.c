/* SPDX-License-Identifier: 0BSD */
#include "tms_cast_f32_bool.h"

void tms_cast_f32_bool(const tms_unary_f32_params *p, const float *in, void *out) {
  tms_cast_f32_bool_body(p, in, out);
}
