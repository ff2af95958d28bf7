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

TMS_BODY void tms_requantize_body(const tms_requantize_params *p, const void *in, size_t in_size, void *out,
                                  size_t out_size, int rounding) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t x = tms_integer_at(in, i, in_size) + p->in_offset;
    const int32_t y = tms_rescale(x, p->multiplier, p->shift, rounding) + p->out_offset;
    tms_put_integer(out, i, tms_clamp(y, p->act_min, p->act_max), out_size);
  }
}

#endif
