/* SPDX-License-Identifier: 0BSD */
#include "tms_transpose_b8.h"

void tms_transpose_b8(const tms_transpose_params *p, const void *in, void *out) {
  tms_transpose_b8_body(p, in, out);
}
