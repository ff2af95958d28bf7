/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_GATHER_B16_H
#define TMS_GATHER_B16_H

#include "tms_gather.h"

static inline void tms_gather_b16_body(const tms_gather_params *p, const void *in, const int32_t *index,
                                       void *out) {
  tms_gather_body(p, in, index, out, 2);
}

#endif
