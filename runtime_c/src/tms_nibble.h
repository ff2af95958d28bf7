/* SPDX-License-Identifier: 0BSD
 *
 * Weights of 4 bits, -8 to 7, two in a byte: 16 times the second one, plus the first one, plus 8. */
#ifndef TMS_NIBBLE_H
#define TMS_NIBBLE_H

#include <stdint.h>

/* The first (upper = 0) or second (1) weight in a byte. */
static inline int32_t tms_nibble(int32_t byte, int32_t upper) { return upper ? byte >> 4 : (byte & 15) - 8; }

/* Bytes that n weights take. */
static inline int32_t tms_nibble_bytes(int32_t n) { return (n + 1) >> 1; }

#endif
