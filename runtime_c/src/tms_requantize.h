/* SPDX-License-Identifier: 0BSD
 *
 * From one scale and type of integer to another; the compiler folds the types' sizes away. */
#ifndef TMS_REQUANTIZE_H
#define TMS_REQUANTIZE_H

#include "tms_rescale.h"
#include "tms_rows.h"

TMS_BODY int32_t tms_integer_at(const void *in, int32_t i, size_t size) {
  return size == 4   ? ((const int32_t *)in)[i]
         : size == 2 ? ((const int16_t *)in)[i]
                     : ((const int8_t *)in)[i];
}

TMS_BODY void tms_put_integer(void *out, int32_t i, int32_t y, size_t size) {
  if (size == 4) {
    ((int32_t *)out)[i] = y;
  } else if (size == 2) {
    ((int16_t *)out)[i] = (int16_t)y;
  } else {
    ((int8_t *)out)[i] = (int8_t)y;
  }
}

/* Rounded once, what lies beyond 32 bits is clamped like the rest; rounded twice, it wraps as in TFLite. */
TMS_BODY int32_t tms_requantized(int32_t x, const tms_requantize_params *p, int rounding) {
  const int64_t scaled = rounding == TMS_TWICE ? tms_rescale(x, p->multiplier, p->shift, TMS_TWICE)
                                               : tms_rescale_long(x, p->multiplier, p->shift);
  const int64_t y = scaled + p->out_offset;
  return y < p->act_min ? p->act_min : y > p->act_max ? p->act_max : (int32_t)y;
}

TMS_BODY void tms_requantize_body(const tms_requantize_params *p, const void *in, size_t in_size, void *out,
                                  size_t out_size, int rounding) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t x = tms_integer_at(in, i, in_size) + p->in_offset;
    tms_put_integer(out, i, tms_requantized(x, p, rounding), out_size);
  }
}

#endif
