/* SPDX-License-Identifier: 0BSD */
#include "tms_lut_s16.h"

void tms_lut_s16(const tms_lut_s16_params *p, const int16_t *in, int16_t *out) {
  tms_lut_s16_body(p, in, out);
}
