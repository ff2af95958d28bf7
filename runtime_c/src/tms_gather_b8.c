/* SPDX-License-Identifier: 0BSD */
#include "tms_gather_b8.h"

void tms_gather_b8(const tms_gather_params *p, const void *in, const int32_t *index, void *out) {
  tms_gather_b8_body(p, in, index, out);
}
