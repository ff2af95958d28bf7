/* SPDX-License-Identifier: 0BSD */
#include "tms_conv2d_s8.h"

void tms_conv2d_s8(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, 8, TMS_ONCE);
}

void tms_conv2d_s8_dr(const tms_conv2d_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_conv2d_s8_body(p, in, out, y0, y1, 8, TMS_TWICE);
}
