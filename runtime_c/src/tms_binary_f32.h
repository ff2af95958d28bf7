/* SPDX-License-Identifier: 0BSD
 *
 * Walks two broadcast inputs; what is done with a pair of values is given as a function that the
 * compiler inlines. */
#ifndef TMS_BINARY_F32_H
#define TMS_BINARY_F32_H

#include "tms_float.h"
#include "tms_rows.h"

typedef float tms_pair_f32(float a, float b);

TMS_BODY void tms_binary_f32_body(const tms_binary_f32_params *p, const float *a, const float *b, float *out,
                                  tms_pair_f32 *of_pair) {
  const int32_t *n = p->shape, *s = p->a_stride, *t = p->b_stride;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        const float *from_a = a + i * s[0] + j * s[1] + k * s[2];
        const float *from_b = b + i * t[0] + j * t[1] + k * t[2];
        for (int32_t l = 0; l < n[3]; l++) {
          const float y = tms_exact(of_pair(from_a[l * s[3]], from_b[l * t[3]]));
          *out++ = tms_clip(y, p->act_min, p->act_max);
        }
      }
    }
  }
}

#endif
