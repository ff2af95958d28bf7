/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_PRELU_S8_H
#define TMS_PRELU_S8_H

#include "tms_binary_s8.h"

TMS_BODY int32_t tms_prelu_pair_s8(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding) {
  return a < 0 ? tms_rescale(a * b, p->out_multiplier, p->out_shift, rounding)
               : tms_rescale(a, p->a_multiplier, p->a_shift, rounding);
}

TMS_BODY void tms_prelu_s8_body(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                                int rounding) {
  tms_binary_s8_body(p, a, b, out, tms_prelu_pair_s8, rounding);
}

#endif
