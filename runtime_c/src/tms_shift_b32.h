/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_SHIFT_B32_H
#define TMS_SHIFT_B32_H

#include "tms_shift.h"

static inline void tms_shift_b32_body(const tms_shift_params *p, const void *in, const void *fresh,
                                      void *out) {
  tms_shift_body(p, in, fresh, out, 4);
}

#endif
