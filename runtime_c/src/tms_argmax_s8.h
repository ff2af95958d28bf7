/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_ARGMAX_S8_H
#define TMS_ARGMAX_S8_H

#include "tms_rows.h"

TMS_BODY void tms_argmax_s8_body(const tms_arg_params *p, const int8_t *in, int32_t *out) {
  for (int32_t c = 0; c < p->channels; c++) {
    int8_t best = in[c];
    out[c] = 0;
    for (int32_t r = 1; r < p->rows; r++) {
      const int8_t x = in[r * p->channels + c];
      if (p->last ? best <= x : best < x) {
        best = x;
        out[c] = r;
      }
    }
  }
}

#endif
