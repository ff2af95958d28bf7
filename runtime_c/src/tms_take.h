/* SPDX-License-Identifier: 0BSD
 *
 * Runs of elements in the order of a list. */
#ifndef TMS_TAKE_H
#define TMS_TAKE_H

#include "tms_move.h"

TMS_BODY void tms_take_body(const tms_take_params *p, const void *in, void *out, int size) {
  int32_t to = 0;
  for (int32_t i = 0; i < p->outer; i++) {
    for (int32_t j = 0; j < p->out_n; j++) {
      const int32_t from = (i * p->in_n + p->index[j]) * p->inner;
      for (int32_t k = 0; k < p->inner; k++) {
        tms_move(out, to++, in, from + k, size);
      }
    }
  }
}

#endif
