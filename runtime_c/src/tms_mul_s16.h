/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MUL_S16_H
#define TMS_MUL_S16_H

#include "tms_binary_s16.h"

TMS_BODY int32_t tms_mul_pair_s16(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding) {
  return tms_rescale(a * b, p->out_multiplier, p->out_shift, rounding);
}

TMS_BODY void tms_mul_s16_body(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b,
                               int16_t *out, int rounding) {
  tms_binary_s16_body(p, a, b, out, tms_mul_pair_s16, rounding);
}

#endif
