/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_FIR_F32_H
#define TMS_FIR_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_fir_f32_body(const tms_fir_f32_params *p, const float *in, float *out) {
  const float *w = p->weights;
  for (int32_t u = 0; u < p->units; u++) {
    float acc = p->bias[u];
    for (int32_t i = 0; i < p->taps; i++) {
      acc += tms_exact(*in++ * *w++);
    }
    out[u] = tms_clip(acc, p->act_min, p->act_max);
  }
}

#endif
