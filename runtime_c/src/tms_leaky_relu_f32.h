/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LEAKY_RELU_F32_H
#define TMS_LEAKY_RELU_F32_H

#include "tms_unary_f32.h"

static inline float tms_leaky_relu_one_f32(const tms_shaped_f32_params *p, float x) {
  return tms_one_nan(x < 0.0f ? tms_exact(p->alpha * x) : x);
}

static inline void tms_leaky_relu_f32_body(const tms_shaped_f32_params *p, const float *in, float *out) {
  tms_shaped_f32_body(p, in, out, tms_leaky_relu_one_f32);
}

#endif
