/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S8_H
#define TMS_DENSE_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_dense_s8_body(const tms_dense_s8_params *p, const int8_t *in, int8_t *out, int rounding) {
  const int32_t offset = p->in_offset;
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    const int8_t *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++, w += p->in_n) {
      int32_t acc = p->bias[o];
      for (int32_t i = 0; i < p->in_n; i++) {
        acc += (in[i] + offset) * w[i];
      }
      const int32_t scaled = tms_rescale(acc, p->multiplier[o], p->shift[o], rounding);
      *out++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
    }
  }
}

#endif
