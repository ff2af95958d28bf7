/* SPDX-License-Identifier: 0BSD
 *
 * Rows by their numbers. */
#ifndef TMS_GATHER_H
#define TMS_GATHER_H

#include "tms_move.h"

/* Numbers below zero count from the end; what is outside becomes the first or the last row. */
TMS_BODY int32_t tms_gather_row(int32_t index, int32_t rows) {
  const int32_t row = index < 0 ? index + rows : index;
  return row < 0 ? 0 : row < rows ? row : rows - 1;
}

TMS_BODY void tms_gather_body(const tms_gather_params *p, const void *in, const int32_t *index, void *out,
                              int size) {
  int32_t to = 0;
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t from = tms_gather_row(index[i], p->rows) * p->run;
    for (int32_t k = 0; k < p->run; k++) {
      tms_move(out, to++, in, from + k, size);
    }
  }
}

#endif
