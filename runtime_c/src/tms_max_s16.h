/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MAX_S16_H
#define TMS_MAX_S16_H

#include "tms_binary_s16.h"
#include "tms_max_s8.h"

TMS_BODY void tms_max_s16_body(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b,
                               int16_t *out, int rounding) {
  tms_binary_s16_body(p, a, b, out, tms_max_pair_s8, rounding);
}

#endif
