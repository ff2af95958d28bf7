/* SPDX-License-Identifier: 0BSD */
#include "tms_pad_b16.h"

void tms_pad_b16(const tms_pad_params *p, const void *in, void *out) { tms_pad_b16_body(p, in, out); }
