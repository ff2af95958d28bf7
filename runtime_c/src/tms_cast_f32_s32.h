/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CAST_F32_S32_H
#define TMS_CAST_F32_S32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_cast_f32_s32_body(const tms_unary_f32_params *p, const float *in, int32_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    const float x = tms_exact(in[i]);
    const float within = tms_clip(x, -2147483648.0f, 2147483520.0f);
    out[i] = x == x ? (x >= 2147483648.0f ? INT32_MAX : (int32_t)within) : 0;
  }
}

#endif
