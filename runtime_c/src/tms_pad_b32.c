/* SPDX-License-Identifier: 0BSD */
#include "tms_pad_b32.h"

void tms_pad_b32(const tms_pad_params *p, const void *in, void *out) { tms_pad_b32_body(p, in, out); }
