/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LUT_S16_H
#define TMS_LUT_S16_H

#include "tms_rows.h"

/* A straight line between every 128th value: table[i] stands for -32768 + 128 i. */
static inline int16_t tms_looked_up(int16_t x, const int16_t *table) {
  const int32_t index = 256 + (x >> 7), offset = x & 127;
  const int32_t slope = table[index + 1] - table[index];
  return (int16_t)(table[index] + ((slope * offset + 64) >> 7));
}

TMS_BODY void tms_lut_s16_body(const tms_lut_s16_params *p, const int16_t *in, int16_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = tms_looked_up(in[i], p->table);
  }
}

#endif
