/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_EXP_F32_H
#define TMS_EXP_F32_H

#include "tms_unary_f32.h"

static inline void tms_exp_f32_body(const tms_unary_f32_params *p, const float *in, float *out) {
  tms_unary_f32_body(p, in, out, tms_expf);
}

#endif
