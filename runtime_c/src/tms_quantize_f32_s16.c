/* SPDX-License-Identifier: 0BSD */
#include "tms_quantize_f32_s16.h"

void tms_quantize_f32_s16(const tms_quantize_params *p, const float *in, int16_t *out) {
  tms_quantize_f32_s16_body(p, in, out);
}
