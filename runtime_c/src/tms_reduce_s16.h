/* SPDX-License-Identifier: 0BSD
 *
 * The largest (sign 1) or smallest (sign -1) of the rows of [rows][channels]. */
#ifndef TMS_REDUCE_S16_H
#define TMS_REDUCE_S16_H

#include "tms_rows.h"

TMS_BODY void tms_reduce_s16_body(const tms_mean_f32_params *p, const int16_t *in, int16_t *out, int sign) {
  for (int32_t c = 0; c < p->channels; c++) {
    int16_t best = in[c];
    for (int32_t r = 1; r < p->rows; r++) {
      const int16_t x = in[r * p->channels + c];
      best = x * sign > best * sign ? x : best;
    }
    out[c] = best;
  }
}

#endif
