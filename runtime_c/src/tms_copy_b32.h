/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_COPY_B32_H
#define TMS_COPY_B32_H

#include "tms_copy.h"

static inline void tms_copy_b32_body(const tms_copy_params *p, const void *in, void *out) {
  tms_copy_body(p, in, out, 4);
}

#endif
