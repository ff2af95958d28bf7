/* SPDX-License-Identifier: 0BSD */
#include "tms_scan_s8.h"

void tms_scan2_s8(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0, void *out,
                  void *h, void *c, void *scratch) {
  tms_scan2_body(p, in, h0, c0, out, h, c, scratch, TMS_ONCE);
}

void tms_scan2_s8_dr(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0, void *out,
                     void *h, void *c, void *scratch) {
  tms_scan2_body(p, in, h0, c0, out, h, c, scratch, TMS_TWICE);
}
