/* SPDX-License-Identifier: 0BSD */
#include "tms_strided_b32.h"

void tms_strided_b32(const tms_strided_params *p, const void *in, void *out) {
  tms_strided_b32_body(p, in, out);
}
