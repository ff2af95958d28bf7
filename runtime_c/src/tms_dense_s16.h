/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S16_H
#define TMS_DENSE_S16_H

#include "tms.h"
#include "tms_rescale.h"

static inline void tms_dense_s16_body(const tms_dense_s16_params *p, const int16_t *in, int16_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    const int8_t *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
      int64_t sum = p->bias[o];
      for (int32_t i = 0; i < p->in_n; i++) {
        sum += in[i] * *w++;
      }
      const int32_t scaled = tms_rescale_wide(sum, p->multiplier[o], p->shift[o]);
      *out++ = (int16_t)tms_clamp(scaled, p->act_min, p->act_max);
    }
  }
}

#endif
