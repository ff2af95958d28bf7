/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_GRU_F32_H
#define TMS_GRU_F32_H

#include "tms_recurrent_f32.h"

/* The candidate's sum; r is what the reset gate is, or with variant 0 the state times it. */
static inline float tms_gru_f32_candidate(const tms_recurrent_f32_params *p, int32_t j, const float *x,
                                          const float *h, const float *r) {
  const int32_t n = p->hidden, row = 2 * n + j;
  const float acc = tms_dot_on_f32(p->bias[row], x, p->w + row * p->in_n, p->in_n);
  if (p->variant) {
    const float state = tms_dot_on_f32(p->bias[3 * n + j], h, p->r + row * n, n);
    return acc + tms_exact(r[j] * state);
  }
  return tms_dot_on_f32(acc + p->bias[3 * n + j], r, p->r + row * n, n);
}

/* Gates z, r and the candidate, ONNX's order; variant 1 multiplies before it resets. */
TMS_BODY void tms_gru_f32_step(const tms_recurrent_f32_params *p, const float *x, float *h, float *unused,
                               float *gates) {
  const int32_t n = p->hidden;
  (void)unused;
  for (int32_t j = 0; j < n; j++) {
    const float r = tms_gate(p, 0, tms_gate_sum(p, n + j, x, h));
    gates[j] = tms_gate(p, 0, tms_gate_sum(p, j, x, h));
    gates[n + j] = p->variant ? r : tms_exact(r * h[j]);
  }
  for (int32_t j = 0; j < n; j++) {
    gates[2 * n + j] = tms_gate(p, 1, tms_gru_f32_candidate(p, j, x, h, gates + n));
  }
  for (int32_t j = 0; j < n; j++) {
    const float z = gates[j];
    h[j] = tms_one_nan(tms_exact((1.0f - z) * gates[2 * n + j]) + tms_exact(z * h[j]));
  }
}

TMS_BODY void tms_gru_f32_body(const tms_recurrent_f32_params *p, const float *in, const float *h0,
                               float *out, float *h, void *scratch) {
  tms_recurrent_body(p, in, h0, h0, out, h, h, scratch, tms_gru_f32_step);
}

#endif
