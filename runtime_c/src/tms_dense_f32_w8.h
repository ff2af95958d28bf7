/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_F32_W8_H
#define TMS_DENSE_F32_W8_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_dense_f32_w8_body(const tms_dense_f32_w8_params *p, const float *in, float *out) {
  for (int32_t r = 0; r < p->rows; r++, in += p->in_n) {
    const int8_t *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
      float sum = 0.0f;
      for (int32_t i = 0; i < p->in_n; i++) {
        sum += tms_exact(in[i] * (float)*w++);
      }
      *out++ = tms_clip(tms_exact(sum * p->scale[o]) + p->bias[o], p->act_min, p->act_max);
    }
  }
}

#endif
