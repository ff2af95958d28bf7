/* SPDX-License-Identifier: 0BSD */
#include "tms_cumsum2d_s8.h"

void tms_cumsum2d_s8(const tms_cumsum2d_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_cumsum2d_s8_body(p, in, out, y0, y1);
}
