/* SPDX-License-Identifier: 0BSD */
#include "tms_scan_s8.h"

void tms_scan1_s8_litert(const tms_scan_params *p, const int8_t *in, const void *h0, void *out, void *h,
                         void *scratch) {
  tms_scan1_body(p, in, h0, out, h, scratch, TMS_LITERT);
}
