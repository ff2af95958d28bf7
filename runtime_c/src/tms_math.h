/* SPDX-License-Identifier: 0BSD
 *
 * exp, tanh and sigmoid in float32, without libm; studio/compiler/float_math.py does the same
 * operations in the same order. Polynomials are minimax fits over the reduced ranges.
 */
#ifndef TMS_MATH_H
#define TMS_MATH_H

#include "tms_float.h"

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2; e^r by a polynomial, times 2^n in two halves, so that a
 * denormal result is rounded once. */
static inline float tms_expf(float x) {
  if (!(x >= -104.0f)) {
    return x == x ? 0.0f : TMS_NANF;
  }
  if (x >= 89.0f) {
    return TMS_INFINITYF;
  }
  int32_t n = (int32_t)(tms_exact(x * 1.442695f) + (x < 0.0f ? -0.5f : 0.5f));
  float k = (float)n;
  /* The first part of ln 2 has 15 bits, so that its multiples are exact. */
  float r = (x - tms_exact(k * 0.693145751953125f)) - tms_exact(k * 1.4286068e-06f);
  float p = 0.001395172f;
  p = tms_exact(p * r) + 0.008369599f;
  p = tms_exact(p * r) + 0.041666187f;
  p = tms_exact(p * r) + 0.16666512f;
  p = tms_exact(p * r) + 0.5f;
  float y = 1.0f + (r + tms_exact((r * r) * p));
  int32_t half = n / 2;
  y *= tms_float_from_bits((uint32_t)(half + 127) << 23);
  return tms_exact(y * tms_float_from_bits((uint32_t)(n - half + 127) << 23));
}

/* 1 / (1 + e^-x), by e^-|x|, which never overflows and keeps the small end's digits. */
static inline float tms_sigmoidf(float x) {
  float e = tms_expf(x < 0.0f ? x : -x);
  float larger = 1.0f / (1.0f + e);
  return x < 0.0f ? tms_exact(e * larger) : larger;
}

static inline float tms_tanhf(float x) {
  uint32_t sign = tms_float_bits(x) & 0x80000000u;
  float a = tms_float_from_bits(tms_float_bits(x) & 0x7fffffffu);
  float t;
  if (a < 0.625f) {
    float z = tms_exact(a * a);
    float p = -0.0057170424f;
    p = tms_exact(p * z) + 0.020650584f;
    p = tms_exact(p * z) - 0.053743497f;
    p = tms_exact(p * z) + 0.13331491f;
    p = tms_exact(p * z) - 0.33333284f;
    t = a + tms_exact(a * (z * p));
  } else {
    t = 1.0f - 2.0f / (tms_expf(2.0f * a) + 1.0f);
  }
  return t == t ? tms_float_from_bits(tms_float_bits(t) | sign) : TMS_NANF;
}

#endif
