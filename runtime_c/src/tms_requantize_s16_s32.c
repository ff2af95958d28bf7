/* SPDX-License-Identifier: 0BSD */
#include "tms_requantize.h"

void tms_requantize_s16_s32(const tms_requantize_params *p, const int16_t *in, int32_t *out) {
  tms_requantize_body(p, in, sizeof *in, out, sizeof *out, TMS_ONCE);
}

void tms_requantize_s16_s32_dr(const tms_requantize_params *p, const int16_t *in, int32_t *out) {
  tms_requantize_body(p, in, sizeof *in, out, sizeof *out, TMS_TWICE);
}
