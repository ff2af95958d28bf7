/* SPDX-License-Identifier: 0BSD */
#include "tms_reduce_max_s16.h"

void tms_reduce_max_s16(const tms_mean_f32_params *p, const int16_t *in, int16_t *out) {
  tms_reduce_max_s16_body(p, in, out);
}
