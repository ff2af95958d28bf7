/* SPDX-License-Identifier: 0BSD
 *
 * One of two values, as a truth value says; all three broadcast. */
#ifndef TMS_WHERE_H
#define TMS_WHERE_H

#include "tms_move.h"

TMS_BODY void tms_where_body(const tms_where_params *p, const void *condition, const void *a, const void *b,
                             void *out, int size) {
  const int32_t *n = p->shape, *r = p->c_stride, *s = p->a_stride, *t = p->b_stride;
  const uint8_t *truth = condition;
  int32_t to = 0;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        for (int32_t l = 0; l < n[3]; l++) {
          if (truth[i * r[0] + j * r[1] + k * r[2] + l * r[3]]) {
            tms_move(out, to++, a, i * s[0] + j * s[1] + k * s[2] + l * s[3], size);
          } else {
            tms_move(out, to++, b, i * t[0] + j * t[1] + k * t[2] + l * t[3], size);
          }
        }
      }
    }
  }
}

#endif
