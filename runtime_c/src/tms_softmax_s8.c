/* SPDX-License-Identifier: 0BSD */
#include "tms_softmax_s8.h"

void tms_softmax_s8(const tms_softmax_s8_params *p, const int8_t *in, int8_t *out) {
  tms_softmax_s8_body(p, in, out);
}
