/* SPDX-License-Identifier: 0BSD */
#include "tms_dynamic_quantize_f32.h"

void tms_dynamic_quantize_f32(const tms_dynamic_quantize_f32_params *p, const float *in, float *out,
                              float *scale) {
  tms_dynamic_quantize_f32_body(p, in, out, scale);
}
