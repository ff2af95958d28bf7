/* SPDX-License-Identifier: 0BSD
 *
 * Weights of 4 bits, two in a byte, the first one in its lower half. */
#ifndef TMS_NIBBLE_H
#define TMS_NIBBLE_H

#include <stdint.h>

/* Weight i of a filter, -8 to 7. */
static inline int32_t tms_nibble(const int8_t *filter, int32_t i) {
  const int32_t byte = filter[i >> 1];
  return i & 1 ? byte >> 4 : ((byte & 15) ^ 8) - 8;
}

/* Bytes that n weights take. */
static inline int32_t tms_nibble_bytes(int32_t n) { return (n + 1) >> 1; }

#endif
