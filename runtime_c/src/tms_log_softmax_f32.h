/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LOG_SOFTMAX_F32_H
#define TMS_LOG_SOFTMAX_F32_H

#include "tms.h"
#include "tms_math.h"

/* One vector: (x - max) - ln(sum e^(x - max)). */
static inline void tms_log_softmax_f32_row(const float *in, float *out, int32_t n) {
  float max = in[0], sum = 0.0f;
  for (int32_t i = 1; i < n; i++) {
    const float x = tms_exact(in[i]);
    max = max < x ? x : max;
  }
  for (int32_t i = 0; i < n; i++) {
    out[i] = tms_exact(in[i] - max);
    sum += tms_expf(out[i]);
  }
  const float log = tms_logf(sum);
  for (int32_t i = 0; i < n; i++) {
    out[i] = tms_one_nan(tms_exact(out[i] - log));
  }
}

static inline void tms_log_softmax_f32_body(const tms_softmax_f32_params *p, const float *in, float *out) {
  for (int32_t r = 0; r < p->rows; r++) {
    tms_log_softmax_f32_row(in + r * p->n, out + r * p->n, p->n);
  }
}

#endif
