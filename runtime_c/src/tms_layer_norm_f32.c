/* SPDX-License-Identifier: 0BSD */
#include "tms_layer_norm_f32.h"

void tms_layer_norm_f32(const tms_layer_norm_f32_params *p, const float *in, float *out) {
  tms_layer_norm_f32_body(p, in, out);
}
