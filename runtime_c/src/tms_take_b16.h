/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_TAKE_B16_H
#define TMS_TAKE_B16_H

#include "tms_take.h"

static inline void tms_take_b16_body(const tms_take_params *p, const void *in, void *out) {
  tms_take_body(p, in, out, 2);
}

#endif
