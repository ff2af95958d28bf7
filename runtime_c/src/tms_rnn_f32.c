/* SPDX-License-Identifier: 0BSD */
#include "tms_rnn_f32.h"

void tms_rnn_f32(const tms_recurrent_f32_params *p, const float *in, const float *h0, float *out, float *h,
                 void *scratch) {
  tms_rnn_f32_body(p, in, h0, out, h, scratch);
}
