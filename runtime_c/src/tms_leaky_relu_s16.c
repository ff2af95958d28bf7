/* SPDX-License-Identifier: 0BSD */
#include "tms_leaky_relu_s16.h"

void tms_leaky_relu_s16(const tms_leaky_relu_s16_params *p, const int16_t *in, int16_t *out) {
  tms_leaky_relu_s16_body(p, in, out, TMS_ONCE);
}

void tms_leaky_relu_s16_dr(const tms_leaky_relu_s16_params *p, const int16_t *in, int16_t *out) {
  tms_leaky_relu_s16_body(p, in, out, TMS_TWICE);
}
