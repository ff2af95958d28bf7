/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CAST_U8_F32_H
#define TMS_CAST_U8_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_cast_u8_f32_body(const tms_unary_f32_params *p, const void *from, float *out) {
  const uint8_t *in = from;
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = (float)in[i];
  }
}

#endif
