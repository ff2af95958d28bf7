/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_PAD_B16_H
#define TMS_PAD_B16_H

#include "tms_pad.h"

static inline void tms_pad_b16_body(const tms_pad_params *p, const void *in, void *out) {
  tms_pad_body(p, in, out, 2);
}

#endif
