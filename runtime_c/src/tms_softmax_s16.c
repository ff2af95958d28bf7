/* SPDX-License-Identifier: 0BSD */
#include "tms_softmax_s16.h"

void tms_softmax_s16(const tms_softmax_s16_params *p, const int16_t *in, int16_t *out) {
  tms_softmax_s16_body(p, in, out, TMS_ONCE);
}

void tms_softmax_s16_dr(const tms_softmax_s16_params *p, const int16_t *in, int16_t *out) {
  tms_softmax_s16_body(p, in, out, TMS_TWICE);
}
