/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S8_SPARSE_H
#define TMS_DENSE_S8_SPARSE_H

#include "tms_rescale.h"
#include "tms_sparse_s8.h"

TMS_BODY void tms_dense_s8_sparse_body(const tms_dense_s8_params *p, const int8_t *in, int8_t *out,
                                       int32_t block, int rounding) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    const int8_t *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
      int32_t sums[TMS_SPARSE_PLACES] = {p->bias[o], 0, 0, 0};
      w = tms_sparse_dots_s8(w, in, 0, 1, p->in_n, block, p->in_offset, sums);
      const int32_t scaled = tms_rescale(sums[0], p->multiplier[o], p->shift[o], rounding);
      *out++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
    }
  }
}

#endif
