/* SPDX-License-Identifier: 0BSD */
#include "tms_dense_s8.h"

void tms_dense_s8(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_body(p, in, out, 8, TMS_ONCE);
}

void tms_dense_s8_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_body(p, in, out, 8, TMS_TWICE);
}
