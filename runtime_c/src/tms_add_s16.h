/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_ADD_S16_H
#define TMS_ADD_S16_H

#include "tms_binary_s16.h"

TMS_BODY int32_t tms_add_pair_s16(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding) {
  const int32_t unit = 1 << TMS_WIDE_HEADROOM;
  const int32_t both = tms_rescale(a * unit, p->a_multiplier, p->a_shift, rounding) +
                       tms_rescale(b * unit, p->b_multiplier, p->b_shift, rounding);
  return tms_rescale(both, p->out_multiplier, p->out_shift, rounding);
}

TMS_BODY void tms_add_s16_body(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b,
                               int16_t *out, int rounding) {
  tms_binary_s16_body(p, a, b, out, tms_add_pair_s16, rounding);
}

#endif
