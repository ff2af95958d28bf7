/* SPDX-License-Identifier: 0BSD */
#include "tms_transpose_b16.h"

void tms_transpose_b16(const tms_transpose_params *p, const void *in, void *out) {
  tms_transpose_b16_body(p, in, out);
}
