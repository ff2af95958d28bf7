/* SPDX-License-Identifier: 0BSD */
#include "tms_hard_sigmoid_f32.h"

void tms_hard_sigmoid_f32(const tms_shaped_f32_params *p, const float *in, float *out) {
  tms_hard_sigmoid_f32_body(p, in, out);
}
