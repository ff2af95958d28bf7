/* SPDX-License-Identifier: 0BSD */
#include "tms_where_b16.h"

void tms_where_b16(const tms_where_params *p, const void *condition, const void *a, const void *b,
                   void *out) {
  tms_where_b16_body(p, condition, a, b, out);
}
