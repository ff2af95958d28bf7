/* SPDX-License-Identifier: 0BSD */
#include "tms_fir_f32.h"

void tms_fir_f32(const tms_fir_f32_params *p, const float *in, float *out) { tms_fir_f32_body(p, in, out); }
