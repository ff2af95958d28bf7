/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SOFTMAX_S8_S16_H
#define TMS_SOFTMAX_S8_S16_H

#include "tms_softmax_s8.h"

static inline void tms_softmax_s8_s16_body(const tms_softmax_s8_params *p, const int8_t *in, int16_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->n, out += p->n) {
    const tms_softmax_s8_row of = tms_softmax_s8_begin(p, in);
    for (int32_t i = 0; i < p->n; i++) {
      const int32_t share = tms_softmax_s8_share(p, &of, in[i], 16);
      out[i] = (int16_t)tms_clamp(share + INT16_MIN, INT16_MIN, INT16_MAX);
    }
  }
}

#endif
