/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LESS_S32_H
#define TMS_LESS_S32_H

#include "tms_compare.h"

TMS_BODY int tms_less_pair_s32(int32_t a, int32_t b) { return a < b; }

TMS_BODY void tms_less_s32_body(const tms_compare_params *p, const int32_t *a, const int32_t *b, void *out) {
  tms_compare_s32_body(p, a, b, out, tms_less_pair_s32);
}

#endif
