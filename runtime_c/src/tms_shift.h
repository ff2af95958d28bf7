/* SPDX-License-Identifier: 0BSD
 *
 * Windows over time that move on: rows lose their first elements and get new ones behind. */
#ifndef TMS_SHIFT_H
#define TMS_SHIFT_H

#include "tms_move.h"

/* All elements move at once, from the front since out may be in; what comes from the next row is then
 * written over. */
TMS_BODY void tms_shift_body(const tms_shift_params *p, const void *in, const void *fresh, void *out,
                             int size) {
  const int32_t n = p->n, gap = p->fresh, rows = p->rows;
  for (int32_t i = 0; i < rows * n - gap; i++) {
    tms_move(out, i, in, i + gap, size);
  }
  for (int32_t r = 0, from = 0; r < rows; r++) {
    for (int32_t i = 0; i < gap; i++, from++) {
      tms_move(out, r * n + n - gap + i, fresh, from, size);
    }
  }
}

#endif
