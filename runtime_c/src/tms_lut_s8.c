/* SPDX-License-Identifier: 0BSD */
#include "tms_lut_s8.h"

void tms_lut_s8(const tms_lut_s8_params *p, const int8_t *in, int8_t *out) { tms_lut_s8_body(p, in, out); }
