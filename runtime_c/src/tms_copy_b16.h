/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_COPY_B16_H
#define TMS_COPY_B16_H

#include "tms_copy.h"

static inline void tms_copy_b16_body(const tms_copy_params *p, const void *in, void *out) {
  tms_copy_body(p, in, out, 2);
}

#endif
