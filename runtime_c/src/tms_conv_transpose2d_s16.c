/* SPDX-License-Identifier: 0BSD */
#include "tms_conv_transpose2d_s16.h"

void tms_conv_transpose2d_s16(const tms_conv2d_s16_params *p, tms_in in, tms_out out, int32_t y0,
                              int32_t y1) {
  tms_conv_transpose2d_s16_body(p, in, out, y0, y1);
}
