/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_ABS_F32_H
#define TMS_ABS_F32_H

#include "tms_unary_f32.h"

static inline float tms_abs_one_f32(float x) { return tms_one_nan(tms_absf(x)); }

static inline void tms_abs_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_unary_f32_body(p, in, out, tms_abs_one_f32);
}

#endif
