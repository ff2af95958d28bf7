/* SPDX-License-Identifier: 0BSD
 *
 * The largest (sign 1) or smallest (sign -1) of the rows of [rows][channels]. */
#ifndef TMS_REDUCE_S8_H
#define TMS_REDUCE_S8_H

#include "tms_rows.h"

TMS_BODY void tms_reduce_s8_body(const tms_mean_f32_params *p, const int8_t *in, int8_t *out, int sign) {
  for (int32_t c = 0; c < p->channels; c++) {
    int8_t best = in[c];
    for (int32_t r = 1; r < p->rows; r++) {
      const int8_t x = in[r * p->channels + c];
      best = x * sign > best * sign ? x : best;
    }
    out[c] = best;
  }
}

#endif
