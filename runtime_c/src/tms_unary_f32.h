/* SPDX-License-Identifier: 0BSD
 *
 * Walks n values; what is done with one is given as a function that the compiler inlines. */
#ifndef TMS_UNARY_F32_H
#define TMS_UNARY_F32_H

#include "tms_math.h"
#include "tms_rows.h"

typedef float tms_of_one_f32(float x);
typedef float tms_of_shaped_f32(const tms_shaped_f32_params *p, float x);

TMS_BODY void tms_unary_f32_body(const tms_unary_f32_params *p, const float *in, float *out,
                                 tms_of_one_f32 *of_one) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = of_one(tms_exact(in[i]));
  }
}

TMS_BODY void tms_shaped_f32_body(const tms_shaped_f32_params *p, const float *in, float *out,
                                  tms_of_shaped_f32 *of_one) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = of_one(p, tms_exact(in[i]));
  }
}

#endif
