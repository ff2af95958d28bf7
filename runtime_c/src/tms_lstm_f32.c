/* SPDX-License-Identifier: 0BSD */
#include "tms_lstm_f32.h"

void tms_lstm_f32(const tms_recurrent_f32_params *p, const float *in, const float *h0, const float *c0,
                  float *out, float *h, float *c, void *scratch) {
  tms_lstm_f32_body(p, in, h0, c0, out, h, c, scratch);
}
