/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_ARGMAX_F32_H
#define TMS_ARGMAX_F32_H

#include "tms_float.h"
#include "tms_rows.h"

TMS_BODY void tms_argmax_f32_body(const tms_arg_params *p, const float *in, int32_t *out) {
  for (int32_t c = 0; c < p->channels; c++) {
    float best = in[c];
    out[c] = 0;
    for (int32_t r = 1; r < p->rows; r++) {
      const float x = tms_exact(in[r * p->channels + c]);
      if (p->last ? best <= x : best < x) {
        best = x;
        out[c] = r;
      }
    }
  }
}

#endif
