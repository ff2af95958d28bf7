/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MATMUL_S8_H
#define TMS_MATMUL_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY int8_t *tms_matmul_s8_one(const tms_matmul_s8_params *p, const int8_t *a, const int8_t *b,
                                   int8_t *out, int rounding) {
  for (int32_t i = 0; i < p->m; i++) {
    for (int32_t j = 0; j < p->n; j++) {
      const int8_t *x = a + i * p->a_stride[2], *y = b + j * p->b_stride[3];
      int32_t sum = 0;
      for (int32_t k = 0; k < p->k; k++) {
        sum += (x[k * p->a_stride[3]] + p->a_offset) * (y[k * p->b_stride[2]] + p->b_offset);
      }
      const int32_t scaled = tms_rescale(sum, p->multiplier, p->shift, rounding);
      *out++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
    }
  }
  return out;
}

TMS_BODY void tms_matmul_s8_body(const tms_matmul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                                 int rounding) {
  for (int32_t i = 0; i < p->batch[0]; i++) {
    for (int32_t j = 0; j < p->batch[1]; j++) {
      out = tms_matmul_s8_one(p, a + i * p->a_stride[0] + j * p->a_stride[1],
                              b + i * p->b_stride[0] + j * p->b_stride[1], out, rounding);
    }
  }
}

#endif
