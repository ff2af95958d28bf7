/* SPDX-License-Identifier: 0BSD */
#ifndef TMS_WHERE_B8_H
#define TMS_WHERE_B8_H

#include "tms_where.h"

TMS_BODY void tms_where_b8_body(const tms_where_params *p, const void *condition, const void *a,
                                const void *b, void *out) {
  tms_where_body(p, condition, a, b, out, 1);
}

#endif
