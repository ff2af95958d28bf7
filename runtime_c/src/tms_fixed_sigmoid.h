/* SPDX-License-Identifier: 0BSD
 *
 * Sigmoid and hyperbolic tangent of int16 in integers. tms_near_*: on parabolas through knots[i] = 65536
 * sigmoid(i / 24), at most one step off. tms_fixed_*: as LiteRT's reference LSTM computes them; a number of k
 * integer bits is int16 / 2^(15 - k). Formulas of these: gemmlowp's fixedpoint.h. */
#ifndef TMS_FIXED_SIGMOID_H
#define TMS_FIXED_SIGMOID_H

#include "tms_rescale.h"

enum { TMS_LAST_KNOT = 285 }; /* two more follow; the curve is at its end there */

/* Sigmoid of a place >= 0 among the knots, 16 bits of it between two, in 1/2^32: Newton's form. */
static inline int64_t tms_on_parabola(const uint16_t *knots, int64_t place) {
  if (place >> 16 >= TMS_LAST_KNOT) {
    return (int64_t)1 << 32;
  }
  const uint16_t *y = knots + (place >> 16);
  const int32_t t = (int32_t)(place & 0xFFFF), slope = y[1] - y[0], bend = y[2] - y[1] - slope;
  return (int64_t)y[0] * 65536 + t * slope + (t * (t - 65536) >> 17) * bend;
}

/* Where |x| is, the factor being 2^28 knots an integer step. */
static inline int64_t tms_knot_place(int32_t x, int32_t factor) {
  return ((int64_t)(x < 0 ? -x : x) * factor) >> 12;
}

static inline int32_t tms_near_sigmoid(const uint16_t *knots, int32_t x, int32_t factor) {
  const int64_t y = tms_on_parabola(knots, tms_knot_place(x, factor));
  return (int32_t)(((x < 0 ? ((int64_t)1 << 32) - y : y) + (1 << 16)) >> 17);
}

static inline int32_t tms_near_tanh(const uint16_t *knots, int32_t x, int32_t factor) {
  const int64_t y = tms_on_parabola(knots, tms_knot_place(x, factor) * 2) - ((int64_t)1 << 31);
  const int32_t size = (int32_t)((y + (1 << 15)) >> 16);
  return x < 0 ? -size : size;
}

static inline int32_t tms_fixed_mul(int32_t a, int32_t b) { return (a * b + (1 << 14)) >> 15; }

/* exp(a), a <= 0 with `bits` integer bits; the result has none. Each bit of the exponent has its factor. */
static inline int32_t tms_fixed_exp(int32_t a, int32_t bits) {
  static const int16_t powers[] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* exp(-2^-2), exp(-2^-1) ... */
  const int32_t quarter = 1 << (13 - bits);
  const int32_t rest = (a & (quarter - 1)) - quarter;
  const int32_t x = rest * (1 << bits) + (1 << 12);
  const int32_t x2 = tms_fixed_mul(x, x), x3 = tms_fixed_mul(x2, x), x4 = tms_fixed_mul(x2, x2);
  const int32_t cubic = tms_fixed_mul(tms_divide_by_pot(x4, 2) + x3, 10923); /* a third */
  int32_t y = 28918 + tms_fixed_mul(x + tms_divide_by_pot(cubic + x2, 1), 28918);
  y = y > 32767 ? 32767 : y;
  for (int32_t i = 0; i < 7 && bits > i - 2; i++) {
    if (((rest - a) >> (13 - bits + i)) & 1) {
      y = tms_fixed_mul(y, powers[i]);
    }
  }
  if (bits > 5 && a < -(1 << (20 - bits))) {
    y = 0;
  }
  return a == 0 ? 32767 : y;
}

/* 2 / (1 + a) in 2 integer bits, of a in [0, 1) with none, by Newton's method. */
static inline int32_t tms_fixed_reciprocal(int32_t a) {
  const int32_t half = (a + 32768) >> 1;
  int32_t x = 23130 + tms_fixed_mul(half, -15420);
  for (int i = 0; i < 3; i++) {
    x += tms_fixed_mul(x, (1 << 13) - tms_fixed_mul(half, x)) * 4;
  }
  return x;
}

static inline int16_t tms_fixed_logistic(int32_t x, int32_t bits) {
  const int32_t twice = tms_fixed_reciprocal(tms_fixed_exp(x < 0 ? x : -x, bits)) * 2;
  const int32_t y = twice > 32767 ? 32767 : twice;
  return (int16_t)(x == 0 ? 1 << 14 : x > 0 ? y : 32767 - y);
}

static inline int16_t tms_fixed_tanh(int32_t x, int32_t bits) {
  const int32_t four = (tms_fixed_reciprocal(tms_fixed_exp(x < 0 ? x : -x, bits + 1)) - (1 << 13)) * 4;
  const int32_t y = four > 32767 ? 32767 : four;
  return (int16_t)(x == 0 ? 0 : x > 0 ? y : -y);
}

#endif
