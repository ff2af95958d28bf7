/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_F32_H
#define TMS_DENSE_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_dense_f32_body(const tms_dense_f32_params *p, const float *in, float *out) {
  for (int32_t r = 0; r < p->rows; r++) {
    const float *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
      float acc = p->bias[o];
      for (int32_t i = 0; i < p->in_n; i++) {
        acc += tms_exact(in[i] * *w++);
      }
      *out++ = tms_clip(acc, p->act_min, p->act_max);
    }
    in += p->in_n;
  }
}

#endif
