/* SPDX-License-Identifier: 0BSD */
#include "tms_less_f32.h"

void tms_less_f32(const tms_compare_params *p, const float *a, const float *b, void *out) {
  tms_less_f32_body(p, a, b, out);
}
