/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_DENSE_S16_F64_H
#define TMS_DENSE_S16_F64_H

#include "tms.h"

/* The integer nearest to x, halves away from zero; between low and high. */
static inline int32_t tms_nearest(double x, int32_t low, int32_t high) {
  const double inside = x < low ? low : x > high ? high : x;
  const int32_t whole = (int32_t)inside;
  const double rest = inside - whole;
  return whole + (rest >= 0.5) - (rest <= -0.5);
}

static inline void tms_dense_s16_f64_body(const tms_dense_s16_f64_params *p, const int16_t *in,
                                          int16_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    const int8_t *w = p->weights;
    for (int32_t o = 0; o < p->out_n; o++) {
      int64_t sum = p->bias[o];
      for (int32_t i = 0; i < p->in_n; i++) {
        sum += in[i] * *w++;
      }
      *out++ = (int16_t)tms_nearest((double)sum * p->scale[o], p->act_min, p->act_max);
    }
  }
}

#endif
