/* SPDX-License-Identifier: 0BSD */
#include "tms_equal_s32.h"

void tms_equal_s32(const tms_compare_params *p, const int32_t *a, const int32_t *b, void *out) {
  tms_equal_s32_body(p, a, b, out);
}
