/* SPDX-License-Identifier: 0BSD */
#include "tms_reduce_min_s8.h"

void tms_reduce_min_s8(const tms_mean_f32_params *p, const int8_t *in, int8_t *out) {
  tms_reduce_min_s8_body(p, in, out);
}
