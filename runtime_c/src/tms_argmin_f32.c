/* SPDX-License-Identifier: 0BSD */
#include "tms_argmin_f32.h"

void tms_argmin_f32(const tms_arg_params *p, const float *in, int32_t *out) {
  tms_argmin_f32_body(p, in, out);
}
