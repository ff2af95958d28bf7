/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_FIR_S8_H
#define TMS_FIR_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_fir_s8_body(const tms_fir_s8_params *p, const int8_t *in, int8_t *out, int rounding) {
  const int8_t *w = p->weights;
  for (int32_t u = 0; u < p->units; u++) {
    int32_t sum = p->bias[u];
    for (int32_t i = 0; i < p->taps; i++) {
      sum += (*in++ + p->in_offset) * *w++;
    }
    const int32_t scaled = tms_rescale(sum, p->multiplier, p->shift, rounding);
    out[u] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
  }
}

#endif
