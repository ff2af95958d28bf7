/* SPDX-License-Identifier: 0BSD */
#include "tms_dense_s16_f64.h"

void tms_dense_s16_f64(const tms_dense_s16_f64_params *p, const int16_t *in, int16_t *out) {
  tms_dense_s16_f64_body(p, in, out);
}
