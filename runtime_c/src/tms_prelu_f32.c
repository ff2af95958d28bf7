/* SPDX-License-Identifier: 0BSD */
#include "tms_prelu_f32.h"

void tms_prelu_f32(const tms_binary_f32_params *p, const float *a, const float *b, float *out) {
  tms_prelu_f32_body(p, a, b, out);
}
