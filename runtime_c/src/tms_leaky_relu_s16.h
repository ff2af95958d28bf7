/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LEAKY_RELU_S16_H
#define TMS_LEAKY_RELU_S16_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY void tms_leaky_relu_s16_body(const tms_leaky_relu_s16_params *p, const int16_t *in, int16_t *out,
                                      int rounding) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t y = in[i] < 0 ? tms_rescale(in[i], p->alpha_multiplier, p->alpha_shift, rounding)
                                : tms_rescale(in[i], p->multiplier, p->shift, rounding);
    out[i] = (int16_t)tms_clamp(y, INT16_MIN, INT16_MAX);
  }
}

#endif
