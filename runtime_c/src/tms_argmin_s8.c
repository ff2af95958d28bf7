/* SPDX-License-Identifier: 0BSD */
#include "tms_argmin_s8.h"

void tms_argmin_s8(const tms_arg_params *p, const int8_t *in, int32_t *out) {
  tms_argmin_s8_body(p, in, out);
}
