/* SPDX-License-Identifier: 0BSD */
#include "tms_quantize_f32_s8.h"

void tms_quantize_f32_s8(const tms_quantize_params *p, const float *in, int8_t *out) {
  tms_quantize_f32_s8_body(p, in, out);
}
