/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_HARD_SIGMOID_F32_H
#define TMS_HARD_SIGMOID_F32_H

#include "tms_unary_f32.h"

static inline float tms_hard_sigmoid_one_f32(const tms_shaped_f32_params *p, float x) {
  return tms_clip(tms_exact(p->alpha * x) + p->beta, 0.0f, 1.0f);
}

static inline void tms_hard_sigmoid_f32_body(const tms_shaped_f32_params *p, const float *in, float *out) {
  tms_shaped_f32_body(p, in, out, tms_hard_sigmoid_one_f32);
}

#endif
