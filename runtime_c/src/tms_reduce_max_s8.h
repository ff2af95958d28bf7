/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_REDUCE_MAX_S8_H
#define TMS_REDUCE_MAX_S8_H

#include "tms_reduce_s8.h"

TMS_BODY void tms_reduce_max_s8_body(const tms_mean_f32_params *p, const int8_t *in, int8_t *out) {
  tms_reduce_s8_body(p, in, out, 1);
}

#endif
