/* SPDX-License-Identifier: 0BSD */
#include "tms_copy_b8.h"

void tms_copy_b8(const tms_copy_params *p, const void *in, void *out) { tms_copy_b8_body(p, in, out); }
