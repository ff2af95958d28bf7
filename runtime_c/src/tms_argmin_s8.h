/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_ARGMIN_S8_H
#define TMS_ARGMIN_S8_H

#include "tms_rows.h"

TMS_BODY void tms_argmin_s8_body(const tms_arg_params *p, const int8_t *in, int32_t *out) {
  for (int32_t c = 0; c < p->channels; c++) {
    int8_t best = in[c];
    out[c] = 0;
    for (int32_t r = 1; r < p->rows; r++) {
      const int8_t x = in[r * p->channels + c];
      if (p->last ? x <= best : x < best) {
        best = x;
        out[c] = r;
      }
    }
  }
}

#endif
