/* SPDX-License-Identifier: 0BSD
 *
 * Walks two broadcast inputs as tms_binary_s8.h does. */
#ifndef TMS_BINARY_S16_H
#define TMS_BINARY_S16_H

#include "tms_rescale.h"
#include "tms_rows.h"

/* Bits that the inputs of a sum gain before they come to one scale. */
enum { TMS_WIDE_HEADROOM = 15 };

typedef int32_t tms_pair_s16(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding);

TMS_BODY void tms_binary_s16_body(const tms_binary_s8_params *p, const int16_t *a, const int16_t *b,
                                  int16_t *out, tms_pair_s16 *of_pair, int rounding) {
  const int32_t *n = p->shape, *s = p->a_stride, *t = p->b_stride;
  for (int32_t i = 0; i < n[0]; i++) {
    for (int32_t j = 0; j < n[1]; j++) {
      for (int32_t k = 0; k < n[2]; k++) {
        const int16_t *from_a = a + i * s[0] + j * s[1] + k * s[2];
        const int16_t *from_b = b + i * t[0] + j * t[1] + k * t[2];
        for (int32_t l = 0; l < n[3]; l++) {
          const int32_t y =
              of_pair(p, from_a[l * s[3]] + p->a_offset, from_b[l * t[3]] + p->b_offset, rounding);
          *out++ = (int16_t)tms_clamp(y + p->out_offset, p->act_min, p->act_max);
        }
      }
    }
  }
}

#endif
