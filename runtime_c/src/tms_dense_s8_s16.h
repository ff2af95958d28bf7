/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S8_S16_H
#define TMS_DENSE_S8_S16_H

#include "tms_dot_s8.h"
#include "tms_rescale.h"

TMS_BODY void tms_dense_s8_s16_body(const tms_dense_s8_s16_params *p, const int8_t *in, int16_t *out,
                                    int rounding) {
  for (int32_t o = 0; o < p->out_n; o += TMS_FILTERS) {
    const int32_t n = p->out_n - o < TMS_FILTERS ? p->out_n - o : TMS_FILTERS;
    int32_t sums[TMS_FILTERS] = {0};
    tms_dots_s8(sums, n, in, p->weights + o * p->in_n, p->in_n, p->in_n, p->in_offset);
    for (int32_t k = 0; k < n; k++) {
      const int32_t scaled = tms_rescale(sums[k], p->multiplier, p->shift, rounding);
      *out++ = (int16_t)tms_clamp(scaled, INT16_MIN, INT16_MAX);
    }
  }
}

#endif
