/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LAYER_NORM_F32_H
#define TMS_LAYER_NORM_F32_H

#include "tms.h"
#include "tms_math.h"

/* One vector: the mean is taken out before squares are added. */
static inline void tms_layer_norm_f32_row(const tms_layer_norm_f32_params *p, const float *in, float *out) {
  const float share = 1.0f / (float)p->n;
  float sum = 0.0f, squares = 0.0f;
  for (int32_t i = 0; i < p->n; i++) {
    sum += tms_exact(in[i]);
  }
  const float mean = tms_exact(sum * share);
  for (int32_t i = 0; i < p->n; i++) {
    const float x = tms_exact(in[i] - mean);
    squares += tms_exact(x * x);
  }
  const float factor = tms_divf(1.0f, tms_sqrtf(tms_exact(squares * share) + p->epsilon));
  for (int32_t i = 0; i < p->n; i++) {
    const float x = tms_exact(tms_exact(in[i] - mean) * factor);
    out[i] = tms_one_nan(tms_exact(x * p->scale[i]) + p->bias[i]);
  }
}

static inline void tms_layer_norm_f32_body(const tms_layer_norm_f32_params *p, const float *in, float *out) {
  for (int32_t r = 0; r < p->rows; r++) {
    tms_layer_norm_f32_row(p, in + r * p->n, out + r * p->n);
  }
}

#endif
