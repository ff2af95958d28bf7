/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SOFTMAX_S16_H
#define TMS_SOFTMAX_S16_H

#include "tms_lut_s16.h"
#include "tms_rescale.h"

/* e^(x - max), Q0.15: the difference is brought to [-10, 0] = [-65535, 0] and looked up. */
TMS_BODY int32_t tms_softmax_s16_power(const tms_softmax_s16_params *p, int32_t difference, int rounding) {
  const int32_t scaled = tms_rescale(difference, p->multiplier, p->shift, rounding);
  return tms_looked_up((int16_t)tms_clamp(scaled + 32767, INT16_MIN, INT16_MAX), p->exp);
}

TMS_BODY void tms_softmax_s16_body(const tms_softmax_s16_params *p, const int16_t *in, int16_t *out,
                                   int rounding) {
  for (int32_t row = 0; row < p->rows; row++, in += p->n, out += p->n) {
    int32_t max = INT16_MIN, sum = 0;
    for (int32_t i = 0; i < p->n; i++) {
      max = in[i] > max ? in[i] : max;
    }
    for (int32_t i = 0; i < p->n; i++) {
      out[i] = (int16_t)tms_softmax_s16_power(p, in[i] - max, rounding);
      sum += out[i];
    }
    /* sum = 2^k * (1 + rest): 1 / (1 + rest) by table, rest in [0, 1) = [-32768, 32767] */
    const int32_t zeros = __builtin_clz((uint32_t)sum);
    const int32_t shifted = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
    const int32_t rest = tms_clamp(shifted - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
    const int32_t reciprocal = tms_looked_up((int16_t)rest, p->inverse);
    const int32_t right = 31 - zeros;
    for (int32_t i = 0; i < p->n; i++) {
      const int32_t y = (int32_t)(((int64_t)out[i] * reciprocal + ((int64_t)1 << (right - 1))) >> right);
      out[i] = (int16_t)tms_clamp(y, 0, INT16_MAX);
    }
  }
}

#endif
