/* SPDX-License-Identifier: 0BSD */
#include "tms_pad_b8.h"

void tms_pad_b8(const tms_pad_params *p, const void *in, void *out) { tms_pad_b8_body(p, in, out); }
