/* SPDX-License-Identifier: 0BSD */
#include "tms_softmax_s8_s16.h"

void tms_softmax_s8_s16(const tms_softmax_s8_params *p, const int8_t *in, int16_t *out) {
  tms_softmax_s8_s16_body(p, in, out);
}
