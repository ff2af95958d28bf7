/* SPDX-License-Identifier: 0BSD
 *
 * Fixed point: Qi.f has i integer and f fraction bits beside the sign; all are int32. */
#ifndef TMS_SOFTMAX_S8_H
#define TMS_SOFTMAX_S8_H

#include "tms_rescale.h"
#include "tms_rows.h"

enum { TMS_SOFTMAX_SUM_BITS = 12 }; /* integer bits of the sum of exponentials */

/* x * 2^exponent, saturating. */
static inline int32_t tms_saturating_shift(int32_t x, int32_t exponent) {
  const int32_t limit = (int32_t)((1U << (31 - exponent)) - 1U);
  return x > limit ? INT32_MAX : x < -limit ? INT32_MIN : tms_shift_left(x, exponent);
}

/* exp(a) for -1/4 <= a < 0, Q0.31: Taylor's series about -1/8 to the fourth power. */
static inline int32_t tms_exp_quarter(int32_t a) {
  const int32_t exp_eighth = 1895147668, third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = tms_mul_high(x, x), x3 = tms_mul_high(x2, x), x4 = tms_mul_high(x2, x2);
  const int32_t higher = tms_mul_high(tms_divide_by_pot(x4, 2) + x3, third) + x2;
  return exp_eighth + tms_mul_high(exp_eighth, x + tms_divide_by_pot(higher, 1));
}

/* exp(a) for a <= 0, Q5.26 to Q0.31: the rest below a quarter, times exp(-2^k) for each other bit. */
static inline int32_t tms_exp_negative(int32_t a) {
  static const int32_t power[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32_t quarter = 1 << 24;
  const int32_t rest = (a & (quarter - 1)) - quarter;
  const int32_t bits = rest - a;
  int32_t result = tms_exp_quarter(tms_shift_left(rest, 5));
  for (int32_t k = 0; k < 7; k++) {
    if (bits & (quarter << k)) {
      result = tms_mul_high(result, power[k]);
    }
  }
  return a == 0 ? INT32_MAX : result;
}

/* 1 / (1 + a) for 0 <= a < 1, Q0.31: three of Newton's steps on (1 + a) / 2 in Q2.29. */
static inline int32_t tms_one_over_one_plus(int32_t a) {
  const int32_t c48_17 = 1515870810, minus_32_17 = -1010580540;
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = c48_17 + tms_mul_high(half, minus_32_17);
  for (int32_t step = 0; step < 3; step++) {
    const int32_t miss = (1 << 29) - tms_mul_high(half, x);
    x += tms_saturating_shift(tms_mul_high(x, miss), 2);
  }
  return tms_saturating_shift(x, 1);
}

/* What all shares of a row have in common: its largest value, and 1 / sum in Q0.31 and its exponent. */
typedef struct {
  int32_t max, reciprocal, exponent;
} tms_softmax_s8_row;

/* e^(x - max), Q0.31; the difference counts. */
static inline int32_t tms_softmax_s8_power(const tms_softmax_s8_params *p, int32_t difference) {
  return tms_exp_negative(tms_mul_high(tms_shift_left(difference, p->shift), p->multiplier));
}

TMS_BODY tms_softmax_s8_row tms_softmax_s8_begin(const tms_softmax_s8_params *p, const int8_t *in) {
  int32_t max = INT8_MIN;
  for (int32_t i = 0; i < p->n; i++) {
    max = in[i] > max ? in[i] : max;
  }
  uint32_t sum = 0;
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t difference = in[i] - max;
    if (difference >= p->diff_min) {
      sum += (uint32_t)tms_divide_by_pot(tms_softmax_s8_power(p, difference), TMS_SOFTMAX_SUM_BITS);
    }
  }
  /* sum = 2^k * (1 + rest), 0 <= rest < 1 */
  const int32_t zeros = __builtin_clz(sum);
  const uint32_t rest = (sum << zeros << 1) >> 1;
  const tms_softmax_s8_row row = {max, tms_one_over_one_plus((int32_t)rest),
                                  TMS_SOFTMAX_SUM_BITS - zeros + 31};
  return row;
}

/* The share of a value, in units of 2^-bits. */
TMS_BODY int32_t tms_softmax_s8_share(const tms_softmax_s8_params *p, const tms_softmax_s8_row *row,
                                      int32_t x, int32_t bits) {
  const int32_t difference = x - row->max, right = row->exponent - bits;
  if (difference < p->diff_min) {
    return 0;
  }
  const int32_t share = tms_mul_high(row->reciprocal, tms_softmax_s8_power(p, difference));
  return (int32_t)((share + ((int64_t)1 << (right - 1))) >> right);
}

TMS_BODY void tms_softmax_s8_body(const tms_softmax_s8_params *p, const int8_t *in, int8_t *out) {
  for (int32_t row = 0; row < p->rows; row++, in += p->n, out += p->n) {
    const tms_softmax_s8_row of = tms_softmax_s8_begin(p, in);
    for (int32_t i = 0; i < p->n; i++) {
      const int32_t share = tms_softmax_s8_share(p, &of, in[i], 8);
      out[i] = (int8_t)tms_clamp(share + INT8_MIN, INT8_MIN, INT8_MAX);
    }
  }
}

#endif
