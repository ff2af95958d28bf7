/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_MATMUL_F32_H
#define TMS_MATMUL_F32_H

#include "tms.h"
#include "tms_float.h"

static inline float *tms_matmul_f32_one(const tms_matmul_f32_params *p, const float *a, const float *b,
                                        float *out) {
  for (int32_t i = 0; i < p->m; i++) {
    for (int32_t j = 0; j < p->n; j++) {
      const float *x = a + i * p->a_stride[2], *y = b + j * p->b_stride[3];
      float sum = 0.0f;
      for (int32_t k = 0; k < p->k; k++) {
        sum += tms_exact(x[k * p->a_stride[3]] * y[k * p->b_stride[2]]);
      }
      *out++ = tms_clip(sum, p->act_min, p->act_max);
    }
  }
  return out;
}

static inline void tms_matmul_f32_body(const tms_matmul_f32_params *p, const float *a, const float *b,
                                       float *out) {
  for (int32_t i = 0; i < p->batch[0]; i++) {
    for (int32_t j = 0; j < p->batch[1]; j++) {
      out = tms_matmul_f32_one(p, a + i * p->a_stride[0] + j * p->a_stride[1],
                               b + i * p->b_stride[0] + j * p->b_stride[1], out);
    }
  }
}

#endif
