/* SPDX-License-Identifier: 0BSD
 *
 * Weights of 4 bits, two in a byte, the first one in its lower half. */
#ifndef TMS_NIBBLE_H
#define TMS_NIBBLE_H

#include <stdint.h>

/* The first weight in a byte, -8 to 7; the second one is byte >> 4. */
static inline int32_t tms_low_nibble(int32_t byte) { return (int32_t)((uint32_t)byte << 28) >> 28; }

/* Weight i of a filter. */
static inline int32_t tms_nibble(const int8_t *filter, int32_t i) {
  const int32_t byte = filter[i >> 1];
  return i & 1 ? byte >> 4 : tms_low_nibble(byte);
}

/* Bytes that n weights take. */
static inline int32_t tms_nibble_bytes(int32_t n) { return (n + 1) >> 1; }

#endif
