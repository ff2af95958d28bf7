/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_STRIDED_B8_H
#define TMS_STRIDED_B8_H

#include "tms_strided.h"

static inline void tms_strided_b8_body(const tms_strided_params *p, const void *in, void *out) {
  tms_strided_body(p, in, out, 1);
}

#endif
