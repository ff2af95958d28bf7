/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_FLOOR_F32_H
#define TMS_FLOOR_F32_H

#include "tms_unary_f32.h"

static inline void tms_floor_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_unary_f32_body(p, in, out, tms_floorf);
}

#endif
