/* SPDX-License-Identifier: 0BSD
 *
 * Padding on four axes with a constant; negative padding crops. */
#ifndef TMS_PAD_H
#define TMS_PAD_H

#include "tms_move.h"

/* One innermost row: `from` is its first element in the input, or the row is outside. */
TMS_BODY void tms_pad_row(const tms_pad_params *p, const void *in, void *out, int32_t from, int inside,
                          int32_t to, int size) {
  const uint8_t byte = (uint8_t)p->value;
  const uint16_t half = (uint16_t)p->value;
  const void *value = size == 4 ? (const void *)&p->value : size == 2 ? (const void *)&half : &byte;
  const int32_t n = p->before[3] + p->shape[3] + p->after[3];
  for (int32_t i = 0; i < n; i++) {
    const int32_t x = i - p->before[3];
    if (inside && x >= 0 && x < p->shape[3]) {
      tms_move(out, to + i, in, from + x, size);
    } else {
      tms_move(out, to + i, value, 0, size);
    }
  }
}

TMS_BODY void tms_pad_body(const tms_pad_params *p, const void *in, void *out, int size) {
  const int32_t *n = p->shape, *before = p->before, *after = p->after;
  const int32_t run = before[3] + n[3] + after[3];
  int32_t to = 0;
  for (int32_t i = -before[0]; i < n[0] + after[0]; i++) {
    for (int32_t j = -before[1]; j < n[1] + after[1]; j++) {
      for (int32_t k = -before[2]; k < n[2] + after[2]; k++) {
        const int inside = i >= 0 && i < n[0] && j >= 0 && j < n[1] && k >= 0 && k < n[2];
        tms_pad_row(p, in, out, ((i * n[1] + j) * n[2] + k) * n[3], inside, to, size);
        to += run;
      }
    }
  }
}

#endif
