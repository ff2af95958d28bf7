/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MEAN_S16_H
#define TMS_MEAN_S16_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_mean_s16_body(const tms_mean_s8_params *p, const int16_t *in, int16_t *out, int rounding) {
  for (int32_t c = 0; c < p->channels; c++) {
    int32_t sum = p->rows * p->in_offset;
    for (int32_t row = 0; row < p->rows; row++) {
      sum += in[row * p->channels + c];
    }
    const int32_t scaled = tms_rescale(sum, p->multiplier, p->shift, rounding);
    out[c] = (int16_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
  }
}

#endif
