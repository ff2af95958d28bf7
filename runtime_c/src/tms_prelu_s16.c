/* SPDX-License-Identifier: 0BSD */
#include "tms_prelu_s16.h"

void tms_prelu_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
  tms_prelu_s16_body(p, a, b, out, TMS_ONCE);
}

void tms_prelu_s16_dr(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
  tms_prelu_s16_body(p, a, b, out, TMS_TWICE);
}
