/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_TRANSPOSE_B16_H
#define TMS_TRANSPOSE_B16_H

#include "tms_transpose.h"

static inline void tms_transpose_b16_body(const tms_transpose_params *p, const void *in, void *out) {
  tms_transpose_body(p, in, out, 2);
}

#endif
