/* SPDX-License-Identifier: 0BSD */
#include "tms_shift_b8.h"

void tms_shift_b8(const tms_shift_params *p, const void *in, const void *fresh, void *out) {
  tms_shift_b8_body(p, in, fresh, out);
}
