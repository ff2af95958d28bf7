/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_FIR_S16_S8_H
#define TMS_FIR_S16_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_fir_s16_s8_body(const tms_fir_s16_s8_params *p, const int16_t *in, int8_t *out,
                                  int rounding) {
  const int16_t *w = p->weights;
  for (int32_t u = 0; u < p->units; u++) {
    uint32_t sum = (uint32_t)p->bias[u]; /* wraps around where a sum needs more than 32 bits */
    for (int32_t i = 0; i < p->taps; i++) {
      sum += (uint32_t)(*in++ * *w++);
    }
    const int32_t scaled = tms_rescale((int32_t)sum, p->multiplier, p->shift, rounding);
    out[u] = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
  }
}

#endif
