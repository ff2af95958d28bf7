/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_CLIP_F32_H
#define TMS_CLIP_F32_H

#include "tms.h"
#include "tms_float.h"

static inline void tms_clip_f32_body(const tms_clip_f32_params *p, const float *in, float *out) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = tms_clip(tms_exact(in[i]), p->act_min, p->act_max);
  }
}

#endif
