/* SPDX-License-Identifier: 0BSD */
#include "tms_reduce_prod_f32.h"

void tms_reduce_prod_f32(const tms_mean_f32_params *p, const float *in, float *out) {
  tms_reduce_prod_f32_body(p, in, out);
}
