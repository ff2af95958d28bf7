/* SPDX-License-Identifier: 0BSD */
#include "tms_matmul_s16.h"

void tms_matmul_s16(const tms_matmul_s16_params *p, const int16_t *a, const int16_t *b, int16_t *out) {
  tms_matmul_s16_body(p, a, b, out);
}
