/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MEAN_F32_H
#define TMS_MEAN_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_mean_f32_body(const tms_mean_f32_params *p, const float *in, float *out) {
  const float factor = 1.0f / (float)p->rows;
  for (int32_t c = 0; c < p->channels; c++) {
    float sum = 0.0f;
    for (int32_t r = 0; r < p->rows; r++) {
      sum += tms_exact(in[r * p->channels + c]);
    }
    out[c] = tms_one_nan(sum * factor);
  }
}

#endif
