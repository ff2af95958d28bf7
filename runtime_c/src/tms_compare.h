/* SPDX-License-Identifier: 0BSD
 *
 * Walks two broadcast inputs to truth values; the comparison is given as a function that the compiler
 * inlines. */
#ifndef TMS_COMPARE_H
#define TMS_COMPARE_H

#include "tms_float.h"
#include "tms_rows.h"

typedef int tms_compared_f32(float a, float b);
typedef int tms_compared_s32(int32_t a, int32_t b);

/* Element l of a row of either side; floats pass through tms_exact. */
TMS_BODY void tms_compare_f32_body(const tms_compare_params *p, const float *a, const float *b, uint8_t *out,
                                   tms_compared_f32 *compare) {
  const int32_t *n = p->shape, *s = p->a_stride, *t = p->b_stride;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        const float *x = a + i * s[0] + j * s[1] + k * s[2], *y = b + i * t[0] + j * t[1] + k * t[2];
        for (int32_t l = 0; l < n[3]; l++) {
          *out++ = (uint8_t)compare(tms_exact(x[l * s[3]]), tms_exact(y[l * t[3]]));
        }
      }
    }
  }
}

TMS_BODY void tms_compare_s32_body(const tms_compare_params *p, const int32_t *a, const int32_t *b,
                                   uint8_t *out, tms_compared_s32 *compare) {
  const int32_t *n = p->shape, *s = p->a_stride, *t = p->b_stride;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        const int32_t *x = a + i * s[0] + j * s[1] + k * s[2], *y = b + i * t[0] + j * t[1] + k * t[2];
        for (int32_t l = 0; l < n[3]; l++) {
          *out++ = (uint8_t)compare(x[l * s[3]], y[l * t[3]]);
        }
      }
    }
  }
}

#endif
