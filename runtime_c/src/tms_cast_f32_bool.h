/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CAST_F32_BOOL_H
#define TMS_CAST_F32_BOOL_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_cast_f32_bool_body(const tms_unary_f32_params *p, const float *in, void *to) {
  uint8_t *out = to;
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = !(tms_exact(in[i]) <= 0.0f && tms_exact(in[i]) >= 0.0f);
  }
}

#endif
