/* SPDX-License-Identifier: 0BSD */
#include "tms_transpose_b32.h"

void tms_transpose_b32(const tms_transpose_params *p, const void *in, void *out) {
  tms_transpose_b32_body(p, in, out);
}
