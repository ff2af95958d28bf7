/* SPDX-License-Identifier: 0BSD
 *
 * From bias to sums and from sums to int8 outputs, for kernels whose weights have 4 bits: they share
 * code, since it is flash that they are there to save. */
#ifndef TMS_PUT_S8_H
#define TMS_PUT_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

/* Sums before the first product. */
TMS_BODY void tms_begin_sums(int32_t *sums, const int32_t *bias, int32_t n) {
  TMS_ROLLED
  for (int32_t k = 0; k < n; k++) {
    sums[k] = bias[k];
  }
}

/* How sums of neighbouring channels become outputs; multiplier and shift are the first channel's. */
typedef struct {
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t offset, low, high;
} tms_scaling;

TMS_BODY void tms_put_each_s8(int8_t *to, const int32_t *sums, int32_t n, const tms_scaling *s,
                              int rounding) {
  TMS_ROLLED
  for (int32_t k = 0; k < n; k++) {
    const int32_t scaled = tms_rescale(sums[k], s->multiplier[k], s->shift[k], rounding);
    to[k] = (int8_t)tms_clamp(scaled + s->offset, s->low, s->high);
  }
}

TMS_SHARED void tms_put_once_s8(int8_t *to, const int32_t *sums, int32_t n, const tms_scaling *s) {
  tms_put_each_s8(to, sums, n, s, TMS_ONCE);
}

TMS_SHARED void tms_put_twice_s8(int8_t *to, const int32_t *sums, int32_t n, const tms_scaling *s) {
  tms_put_each_s8(to, sums, n, s, TMS_TWICE);
}

TMS_BODY void tms_put_s8(int8_t *to, const int32_t *sums, int32_t n, const tms_scaling *s, int rounding) {
  if (rounding == TMS_ONCE) {
    tms_put_once_s8(to, sums, n, s);
  } else {
    tms_put_twice_s8(to, sums, n, s);
  }
}

#endif
