/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_QUANTIZE_F32_S8_H
#define TMS_QUANTIZE_F32_S8_H

#include "tms.h"
#include "tms_float.h"

/* Half to even, |x| < 2^22: at 2^23 a float has no bits left for a fraction. */
static inline int32_t tms_round_even(float x) {
  const float shift = 12582912.0f;
  return (int32_t)(tms_exact(x + shift) - shift);
}

static inline void tms_quantize_f32_s8_body(const tms_quantize_params *p, const float *in, int8_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    const float x = tms_exact(in[i]) / p->scale;
    /* Beyond 512 every zero point saturates. */
    const int32_t y = p->zero_point + (x == x ? tms_round_even(tms_clip(x, -512.0f, 512.0f)) : 0);
    out[i] = (int8_t)(y < -128 ? -128 : y > 127 ? 127 : y);
  }
}

#endif
