/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SIGMOID_F32_H
#define TMS_SIGMOID_F32_H

#include "tms.h"
#include "tms_math.h"

static inline void tms_sigmoid_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = tms_sigmoidf(in[i]);
  }
}

#endif
