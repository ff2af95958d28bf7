/* SPDX-License-Identifier: 0BSD */
#include "tms_sigmoid_s16.h"

void tms_sigmoid_s16(const tms_sigmoid_s16_params *p, const int16_t *in, int16_t *out) {
  tms_sigmoid_s16_body(p, in, out);
}
