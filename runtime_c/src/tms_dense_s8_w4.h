/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S8_W4_H
#define TMS_DENSE_S8_W4_H

#include "tms_nibble.h"
#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_dense_s8_w4_body(const tms_dense_s8_params *p, const int8_t *in, int8_t *out,
                                   int rounding) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    for (int32_t o = 0; o < p->out_n; o++) {
      const int8_t *w = p->weights + o * tms_nibble_bytes(p->in_n);
      int32_t sum = p->bias[o];
      for (int32_t i = 0; i < p->in_n; i++) {
        sum += (in[i] + p->in_offset) * tms_nibble(w, i);
      }
      const int32_t scaled = tms_rescale(sum, p->multiplier[o], p->shift[o], rounding);
      *out++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
    }
  }
}

#endif
