/* SPDX-License-Identifier: 0BSD
 *
 * Requantisation: x * multiplier * 2^(shift - 31), shift > 0 to the left, in TFLite's two forms. */
#ifndef TMS_RESCALE_H
#define TMS_RESCALE_H

#include <stdint.h>

/* How often a product is rounded on its way to the output. */
enum { TMS_ONCE = 0, TMS_TWICE = 1 };

/* (a * b) / 2^31, rounded half up; a and b are not both INT32_MIN. */
static inline int32_t tms_mul_high(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x / 2^exponent, rounded half away from zero; 0 <= exponent <= 31. */
static inline int32_t tms_divide_by_pot(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)((1U << exponent) - 1U);
  const int32_t threshold = (mask >> 1) + (x < 0);
  return (x >> exponent) + ((x & mask) > threshold);
}

/* x * 2^exponent by way of unsigned, since shifting a negative value left is undefined. */
static inline int32_t tms_shift_left(int32_t x, int32_t exponent) {
  return (int32_t)((uint32_t)x << exponent);
}

/* Rounded once, and not cut to 32 bits. */
static inline int64_t tms_rescale_long(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t right = 31 - shift;
  return ((int64_t)x * multiplier + ((int64_t)1 << (right - 1))) >> right;
}

static inline int32_t tms_rescale(int32_t x, int32_t multiplier, int32_t shift, int rounding) {
  if (rounding == TMS_TWICE) {
    const int32_t left = shift > 0 ? shift : 0;
    return tms_divide_by_pot(tms_mul_high(tms_shift_left(x, left), multiplier), left - shift);
  }
  return (int32_t)tms_rescale_long(x, multiplier, shift);
}

/* The same of a 64-bit sum |x| < 2^47 with the upper 16 bits of the multiplier, as TFLite's int16 kernels. */
static inline int32_t tms_rescale_wide(int64_t x, int32_t multiplier, int32_t shift) {
  const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int32_t right = 15 - shift;
  return (int32_t)((x * reduced + ((int64_t)1 << (right - 1))) >> right);
}

static inline int32_t tms_clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}

#endif
