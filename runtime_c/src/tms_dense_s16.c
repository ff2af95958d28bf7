/* SPDX-License-Identifier: 0BSD */
#include "tms_dense_s16.h"

void tms_dense_s16(const tms_dense_s16_params *p, const int16_t *in, int16_t *out) {
  tms_dense_s16_body(p, in, out);
}
