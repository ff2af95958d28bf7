/* SPDX-License-Identifier: 0BSD */
#include "tms_take_b8.h"

void tms_take_b8(const tms_take_params *p, const void *in, void *out) { tms_take_b8_body(p, in, out); }
