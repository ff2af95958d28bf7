/* SPDX-License-Identifier: 0BSD */
#include "tms_copy_b16.h"

void tms_copy_b16(const tms_copy_params *p, const void *in, void *out) { tms_copy_b16_body(p, in, out); }
