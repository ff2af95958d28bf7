/* SPDX-License-Identifier: 0BSD
 *
 * Walks two broadcast inputs; what is done with a pair of values is given as a function that the
 * compiler inlines. */
#ifndef TMS_BINARY_S8_H
#define TMS_BINARY_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

typedef int32_t tms_pair_s8(const tms_binary_s8_params *p, int32_t a, int32_t b, int rounding);

TMS_BODY void tms_binary_s8_row(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                                tms_pair_s8 *of_pair, int rounding) {
  for (int32_t i = 0; i < p->shape[3]; i++, a += p->a_stride[3], b += p->b_stride[3]) {
    const int32_t value = of_pair(p, *a + p->a_offset, *b + p->b_offset, rounding);
    out[i] = (int8_t)tms_clamp(value + p->out_offset, p->act_min, p->act_max);
  }
}

TMS_BODY void tms_binary_s8_body(const tms_binary_s8_params *p, const int8_t *a, const int8_t *b, int8_t *out,
                                 tms_pair_s8 *of_pair, int rounding) {
  const int32_t *as = p->a_stride, *bs = p->b_stride;
  for (int32_t i = 0; i < p->shape[0]; i++) {
    for (int32_t j = 0; j < p->shape[1]; j++) {
      for (int32_t k = 0; k < p->shape[2]; k++) {
        tms_binary_s8_row(p, a + i * as[0] + j * as[1] + k * as[2], b + i * bs[0] + j * bs[1] + k * bs[2],
                          out, of_pair, rounding);
        out += p->shape[3];
      }
    }
  }
}

#endif
