/* SPDX-License-Identifier: 0BSD */
#include "tms_fir_s16_s8.h"

void tms_fir_s16_s8(const tms_fir_s16_s8_params *p, const int16_t *in, int8_t *out) {
  tms_fir_s16_s8_body(p, in, out, TMS_ONCE);
}

void tms_fir_s16_s8_dr(const tms_fir_s16_s8_params *p, const int16_t *in, int8_t *out) {
  tms_fir_s16_s8_body(p, in, out, TMS_TWICE);
}
