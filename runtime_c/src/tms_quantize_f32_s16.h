/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_QUANTIZE_F32_S16_H
#define TMS_QUANTIZE_F32_S16_H

#include "tms.h"
#include "tms_quantize_f32_s8.h"

static inline void tms_quantize_f32_s16_body(const tms_quantize_params *p, const float *in, int16_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    const float x = tms_exact(in[i]) / p->scale;
    /* Beyond 2^17 every zero point saturates. */
    const int32_t y = p->zero_point + (x == x ? tms_round_even(tms_clip(x, -131072.0f, 131072.0f)) : 0);
    out[i] = (int16_t)(y < INT16_MIN ? INT16_MIN : y > INT16_MAX ? INT16_MAX : y);
  }
}

#endif
