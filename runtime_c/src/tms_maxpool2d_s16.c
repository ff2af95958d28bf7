/* SPDX-License-Identifier: 0BSD */
#include "tms_maxpool2d_s16.h"

void tms_maxpool2d_s16(const tms_pool2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_maxpool2d_s16_body(p, in, out, y0, y1);
}
