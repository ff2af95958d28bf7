/* SPDX-License-Identifier: 0BSD
 *
 * Windows over time that move on: rows lose their first elements and get new ones behind. */
#ifndef TMS_SHIFT_H
#define TMS_SHIFT_H

#include "tms_move.h"

TMS_BODY void tms_shift_body(const tms_shift_params *p, const void *in, const void *fresh, void *out,
                             int size) {
  const int32_t kept = p->n - p->fresh;
  for (int32_t r = 0, to = 0, next = 0; r < p->rows; r++) {
    for (int32_t i = 0; i < kept; i++, to++) { /* from the front, since out may be in */
      tms_move(out, to, in, to + p->fresh, size);
    }
    for (int32_t i = 0; i < p->fresh; i++, to++) {
      tms_move(out, to, fresh, next++, size);
    }
  }
}

#endif
