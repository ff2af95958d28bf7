/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_NEG_F32_H
#define TMS_NEG_F32_H

#include "tms_unary_f32.h"

static inline float tms_neg_one_f32(float x) { return tms_one_nan(-x); }

static inline void tms_neg_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_unary_f32_body(p, in, out, tms_neg_one_f32);
}

#endif
