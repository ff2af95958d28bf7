/* SPDX-License-Identifier: 0BSD */
#include "tms_erf_f32.h"

void tms_erf_f32(const tms_unary_f32_params *p, const float *in, float *out) { tms_erf_f32_body(p, in, out); }
