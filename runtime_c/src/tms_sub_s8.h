/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SUB_S8_H
#define TMS_SUB_S8_H

#include "tms_add_s8.h"

TMS_BODY int32_t tms_sub_pair_s8(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding) {
  const int32_t unit = 1 << TMS_ADD_HEADROOM;
  const int32_t difference = tms_rescale(a * unit, p->a_multiplier, p->a_shift, rounding) -
                             tms_rescale(b * unit, p->b_multiplier, p->b_shift, rounding);
  return tms_rescale(difference, p->out_multiplier, p->out_shift, rounding);
}

TMS_BODY void tms_sub_s8_body(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                              int rounding) {
  tms_binary_s8_body(p, a, b, out, tms_sub_pair_s8, rounding);
}

#endif
