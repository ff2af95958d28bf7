/* SPDX-License-Identifier: 0BSD
 *
 * Runs of elements from rows to rows. */
#ifndef TMS_COPY_H
#define TMS_COPY_H

#include "tms_move.h"

TMS_BODY void tms_copy_body(const tms_copy_params *p, const void *in, void *out, int size) {
  for (int32_t r = 0; r < p->rows; r++) {
    const int32_t from = r * p->in_stride, to = p->out_start + r * p->out_stride;
    for (int32_t i = 0; i < p->n; i++) {
      tms_move(out, to + i, in, from + i, size);
    }
  }
}

#endif
