/* SPDX-License-Identifier: 0BSD */
#include "tms_strided_b8.h"

void tms_strided_b8(const tms_strided_params *p, const void *in, void *out) {
  tms_strided_b8_body(p, in, out);
}
