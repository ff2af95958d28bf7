/* SPDX-License-Identifier: 0BSD */
#include "tms_shift_b16.h"

void tms_shift_b16(const tms_shift_params *p, const void *in, const void *fresh, void *out) {
  tms_shift_b16_body(p, in, fresh, out);
}
