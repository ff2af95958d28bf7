/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SOFTSIGN_F32_H
#define TMS_SOFTSIGN_F32_H

#include "tms_unary_f32.h"

static inline float tms_softsign_one_f32(float x) {
  const float a = tms_absf(x);
  return a >= TMS_INFINITYF ? tms_with_sign(1.0f, x) : tms_one_nan(tms_exact(x * (1.0f / (1.0f + a))));
}

static inline void tms_softsign_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_unary_f32_body(p, in, out, tms_softsign_one_f32);
}

#endif
