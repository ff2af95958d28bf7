/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_TANH_S16_H
#define TMS_TANH_S16_H

#include "tms_sigmoid_s16.h"

/* 2 sigmoid(2 x) - 1 */
TMS_BODY void tms_tanh_s16_body(const tms_sigmoid_s16_params *p, const int16_t *in, int16_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t grid = tms_sigmoid_grid(p, in[i]);
    const int32_t y = tms_sigmoid_of_size(p, grid, 8, 0xFFFF << 8) - (1 << 23);
    out[i] = (int16_t)(((grid >= 0 ? y : -y - 1) + (1 << 7)) >> 8);
  }
}

#endif
