/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_RESAMPLE_F32_H
#define TMS_RESAMPLE_F32_H

#include "tms_float.h"
#include "tms_rows.h"

static inline void tms_resample_f32_body(const tms_resample_f32_params *p, const float *in, float *out) {
  for (int32_t i = 0; i < p->outer; i++, in += p->in_n * p->inner) {
    const int32_t *index = p->index;
    const float *weights = p->weights;
    for (int32_t j = 0; j < p->out_n; j++, index += p->taps, weights += p->taps) {
      for (int32_t k = 0; k < p->inner; k++) {
        float sum = 0.0f;
        for (int32_t t = 0; t < p->taps; t++) {
          sum += tms_exact(in[index[t] * p->inner + k] * weights[t]);
        }
        *out++ = tms_one_nan(sum);
      }
    }
  }
}

#endif
