/* SPDX-License-Identifier: 0BSD
 *
 * Sigmoid and hyperbolic tangent as TFLite computes them: straight lines between table[i], about
 * 65536 sigmoid(i / 24), the input brought to that grid by multiplier and shift. */
#ifndef TMS_SIGMOID_S16_H
#define TMS_SIGMOID_S16_H

#include "tms_rows.h"

/* sigmoid(|grid| / 2^bits / 24) in 16 + bits bits; at its end where the table ends. */
static inline int32_t tms_sigmoid_of_size(const tms_sigmoid_s16_params *p, int32_t grid, int32_t bits,
                                          int32_t end) {
  const int32_t size = grid < 0 ? -grid : grid;
  const int32_t index = size >> bits, rest = size & ((1 << bits) - 1);
  if (index >= 255) {
    return end;
  }
  const int32_t low = p->table[index], high = p->table[index + 1];
  return (low << bits) + rest * (high - low);
}

static inline int32_t tms_sigmoid_grid(const tms_sigmoid_s16_params *p, int16_t x) {
  const int32_t half = p->shift > 0 ? 1 << (p->shift - 1) : 0;
  return (x * p->multiplier + half) >> p->shift;
}

TMS_BODY void tms_sigmoid_s16_body(const tms_sigmoid_s16_params *p, const int16_t *in, int16_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t grid = tms_sigmoid_grid(p, in[i]);
    const int32_t y = tms_sigmoid_of_size(p, grid, 9, 0x7FFF << 10);
    out[i] = (int16_t)((grid >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10);
  }
}

#endif
