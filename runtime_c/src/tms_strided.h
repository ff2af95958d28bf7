/* SPDX-License-Identifier: 0BSD
 *
 * Slices, repetitions and transpositions of up to six axes, by strides. */
#ifndef TMS_STRIDED_H
#define TMS_STRIDED_H

#include "tms_move.h"

TMS_BODY void tms_strided_body(const tms_strided_params *p, const void *in, void *out, int size) {
  const int32_t *n = p->shape, *s = p->stride;
  int32_t to = 0;
  for (int32_t h = 0; h < n[0]; h++) {
    for (int32_t i = 0; i < n[1]; i++) {
      for (int32_t j = 0; j < n[2]; j++) {
        for (int32_t k = 0; k < n[3]; k++) {
          for (int32_t l = 0; l < n[4]; l++) {
            const int32_t from = p->start + h * s[0] + i * s[1] + j * s[2] + k * s[3] + l * s[4];
            for (int32_t m = 0; m < n[5]; m++) {
              tms_move(out, to++, in, from + m * s[5], size);
            }
          }
        }
      }
    }
  }
}

#endif
