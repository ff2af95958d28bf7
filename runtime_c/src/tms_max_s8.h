/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAX_S8_H
#define TMS_MAX_S8_H

#include "tms_binary_s8.h"

TMS_BODY int32_t tms_max_pair_s8(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding) {
  (void)p, (void)rounding;
  return a > b ? a : b;
}

TMS_BODY void tms_max_s8_body(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                              int rounding) {
  tms_binary_s8_body(p, a, b, out, tms_max_pair_s8, rounding);
}

#endif
