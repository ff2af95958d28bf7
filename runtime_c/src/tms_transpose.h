/* SPDX-License-Identifier: 0BSD
 *
 * Any order of four axes, by strides. */
#ifndef TMS_TRANSPOSE_H
#define TMS_TRANSPOSE_H

#include "tms_move.h"

TMS_BODY void tms_transpose_body(const tms_transpose_params *p, const void *in, void *out, int size) {
  const int32_t *n = p->shape, *s = p->stride;
  int32_t to = 0;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        const int32_t from = i * s[0] + j * s[1] + k * s[2];
        for (int32_t l = 0; l < n[3]; l++) {
          tms_move(out, to++, in, from + l * s[3], size);
        }
      }
    }
  }
}

#endif
