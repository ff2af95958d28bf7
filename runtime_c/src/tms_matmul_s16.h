/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MATMUL_S16_H
#define TMS_MATMUL_S16_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY int16_t *tms_matmul_s16_one(const tms_matmul_s16_params *p, const int16_t *a, const int16_t *b,
                                     int16_t *out) {
  for (int32_t i = 0; i < p->m; i++) {
    for (int32_t j = 0; j < p->n; j++) {
      const int16_t *x = a + i * p->a_stride[2], *y = b + j * p->b_stride[3];
      int64_t sum = 0;
      for (int32_t k = 0; k < p->k; k++) {
        sum += x[k * p->a_stride[3]] * y[k * p->b_stride[2]];
      }
      *out++ = (int16_t)tms_clamp(tms_rescale_wide(sum, p->multiplier, p->shift), p->act_min, p->act_max);
    }
  }
  return out;
}

TMS_BODY void tms_matmul_s16_body(const tms_matmul_s16_params *p, const int16_t *a, const int16_t *b,
                                  int16_t *out) {
  for (int32_t i = 0; i < p->batch[0]; i++) {
    for (int32_t j = 0; j < p->batch[1]; j++) {
      out = tms_matmul_s16_one(p, a + i * p->a_stride[0] + j * p->a_stride[1],
                               b + i * p->b_stride[0] + j * p->b_stride[1], out);
    }
  }
}

#endif
