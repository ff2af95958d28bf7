/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_REDUCE_MAX_S16_H
#define TMS_REDUCE_MAX_S16_H

#include "tms_reduce_s16.h"

TMS_BODY void tms_reduce_max_s16_body(const tms_mean_f32_params *p, const int16_t *in, int16_t *out) {
  tms_reduce_s16_body(p, in, out, 1);
}

#endif
