/* SPDX-License-Identifier: 0BSD */
#include "tms_dequantize_s16_f32.h"

void tms_dequantize_s16_f32(const tms_quantize_params *p, const int16_t *in, float *out) {
  tms_dequantize_s16_f32_body(p, in, out);
}
