/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LSTM_F32_H
#define TMS_LSTM_F32_H

#include "tms_recurrent_f32.h"

/* Gates i, o, f and the candidate, ONNX's order; variant 1 couples f to i. */
TMS_BODY void tms_lstm_f32_step(const tms_recurrent_f32_params *p, const float *x, float *h, float *c,
                                float *gates) {
  const int32_t n = p->hidden;
  for (int32_t row = 0; row < 4 * n; row++) {
    gates[row] = tms_gate_sum(p, row, x, h);
  }
  for (int32_t j = 0; j < n; j++) {
    const float *w = p->peepholes + j;
    const float old = c[j];
    const float for_i = p->peeps ? gates[j] + tms_exact(w[0] * old) : gates[j];
    const float for_f = p->peeps ? gates[2 * n + j] + tms_exact(w[2 * n] * old) : gates[2 * n + j];
    const float i = tms_gate(p, 0, for_i);
    const float f = p->variant ? 1.0f - i : tms_gate(p, 0, for_f);
    const float sum = tms_one_nan(tms_exact(f * old) + tms_exact(i * tms_gate(p, 1, gates[3 * n + j])));
    const float now = tms_clip(sum, -p->cell_clip, p->cell_clip);
    const float for_o = p->peeps ? gates[n + j] + tms_exact(w[n] * now) : gates[n + j];
    const float o = tms_gate(p, 0, for_o);
    c[j] = now;
    h[j] = tms_one_nan(tms_exact(o * tms_activated(p->activation[2], now)));
  }
}

TMS_BODY void tms_lstm_f32_body(const tms_recurrent_f32_params *p, const float *in, const float *h0,
                                const float *c0, float *out, float *h, float *c, void *scratch) {
  tms_recurrent_body(p, in, h0, c0, out, h, c, scratch, tms_lstm_f32_step);
}

#endif
