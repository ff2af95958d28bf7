/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_LUT_S8_H
#define TMS_LUT_S8_H

#include "tms_rows.h"

TMS_BODY void tms_lut_s8_body(const tms_lut_s8_params *p, const int8_t *in, int8_t *out) {
  for (int32_t i = 0; i < p->n; i++) {
    out[i] = p->table[in[i] + 128];
  }
}

#endif
