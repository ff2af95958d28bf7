/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_RNN_F32_H
#define TMS_RNN_F32_H

#include "tms_recurrent_f32.h"

TMS_BODY void tms_rnn_f32_step(const tms_recurrent_f32_params *p, const float *x, float *h, float *unused,
                               float *gates) {
  (void)unused;
  for (int32_t j = 0; j < p->hidden; j++) {
    gates[j] = tms_gate(p, 0, tms_gate_sum(p, j, x, h));
  }
  for (int32_t j = 0; j < p->hidden; j++) {
    h[j] = gates[j];
  }
}

TMS_BODY void tms_rnn_f32_body(const tms_recurrent_f32_params *p, const float *in, const float *h0,
                               float *out, float *h, void *scratch) {
  tms_recurrent_body(p, in, h0, h0, out, h, h, scratch, tms_rnn_f32_step);
}

#endif
