/* SPDX-License-Identifier: 0BSD */
#include "tms_take_b32.h"

void tms_take_b32(const tms_take_params *p, const void *in, void *out) { tms_take_b32_body(p, in, out); }
