/* SPDX-License-Identifier: 0BSD */
#include "tms_scale2d_s32_s8.h"

void tms_scale2d_s32_s8(const tms_scale2d_s32_s8_params *p, tms_in in, tms_out out, int32_t y0, int32_t y1) {
  tms_scale2d_s32_s8_body(p, in, out, y0, y1, TMS_ONCE);
}

void tms_scale2d_s32_s8_dr(const tms_scale2d_s32_s8_params *p, tms_in in, tms_out out, int32_t y0,
                           int32_t y1) {
  tms_scale2d_s32_s8_body(p, in, out, y0, y1, TMS_TWICE);
}
