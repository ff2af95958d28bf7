/* SPDX-License-Identifier: 0BSD */
#include "tms_dense_s8_s16.h"

void tms_dense_s8_s16(const tms_dense_s8_s16_params *p, const int8_t *in, int16_t *out) {
  tms_dense_s8_s16_body(p, in, out, TMS_ONCE);
}

void tms_dense_s8_s16_dr(const tms_dense_s8_s16_params *p, const int8_t *in, int16_t *out) {
  tms_dense_s8_s16_body(p, in, out, TMS_TWICE);
}
