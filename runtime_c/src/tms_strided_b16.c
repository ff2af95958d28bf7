/* SPDX-License-Identifier: 0BSD */
#include "tms_strided_b16.h"

void tms_strided_b16(const tms_strided_params *p, const void *in, void *out) {
  tms_strided_b16_body(p, in, out);
}
