/* SPDX-License-Identifier: 0BSD */
#include "tms_prelu_s8.h"

void tms_prelu_s8(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out) {
  tms_prelu_s8_body(p, a, b, out, TMS_ONCE);
}

void tms_prelu_s8_dr(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out) {
  tms_prelu_s8_body(p, a, b, out, TMS_TWICE);
}
