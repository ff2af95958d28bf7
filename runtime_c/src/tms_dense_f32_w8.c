/* SPDX-License-Identifier: 0BSD */
#include "tms_dense_f32_w8.h"

void tms_dense_f32_w8(const tms_dense_f32_w8_params *p, const float *in, float *out) {
  tms_dense_f32_w8_body(p, in, out);
}
