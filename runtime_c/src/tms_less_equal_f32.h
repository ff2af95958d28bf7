/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LESS_EQUAL_F32_H
#define TMS_LESS_EQUAL_F32_H

#include "tms_compare.h"

TMS_BODY int tms_less_equal_pair_f32(float a, float b) { return a <= b; }

TMS_BODY void tms_less_equal_f32_body(const tms_compare_params *p, const float *a, const float *b,
                                      void *out) {
  tms_compare_f32_body(p, a, b, out, tms_less_equal_pair_f32);
}

#endif
