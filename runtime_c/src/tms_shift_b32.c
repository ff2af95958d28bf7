/* SPDX-License-Identifier: 0BSD */
#include "tms_shift_b32.h"

void tms_shift_b32(const tms_shift_params *p, const void *in, const void *fresh, void *out) {
  tms_shift_b32_body(p, in, fresh, out);
}
