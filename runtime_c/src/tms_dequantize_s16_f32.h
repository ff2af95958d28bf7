/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DEQUANTIZE_S16_F32_H
#define TMS_DEQUANTIZE_S16_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_dequantize_s16_f32_body(const tms_quantize_params *p, const int16_t *in, float *out) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = tms_exact((float)(in[i] - p->zero_point) * p->scale);
  }
}

#endif
