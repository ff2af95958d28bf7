/* SPDX-License-Identifier: 0BSD */
#include "tms_min_s16.h"

void tms_min_s16(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
  tms_min_s16_body(p, a, b, out, TMS_ONCE);
}
