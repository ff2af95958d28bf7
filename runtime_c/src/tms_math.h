/* SPDX-License-Identifier: 0BSD
 *
 * Functions of float32 without libm; studio/compiler/float_math.py does the same
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

static inline float tms_absf(float x) { return tms_float_from_bits(tms_float_bits(x) & 0x7fffffffu); }

/* The sign of `sign` on x, which is not negative. */
static inline float tms_with_sign(float x, float sign) {
  return tms_float_from_bits(tms_float_bits(x) | (tms_float_bits(sign) & 0x80000000u));
}

/* a / b; denormal quotients, and the least normal one, become zeros (see tms_float.h). */
static inline float tms_divf(float a, float b) {
  const float y = tms_exact(a / b);
  return tms_absf(y) <= 1.17549435e-38f ? tms_with_sign(0.0f, y) : tms_one_nan(y);
}

/* Natural logarithm: x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); f - f^2 / 2 + f^3 times a polynomial. */
static inline float tms_logf(float x) {
  if (!(x >= 0.0f)) {
    return TMS_NANF;
  }
  if (x <= 0.0f || x >= TMS_INFINITYF) {
    return x <= 0.0f ? -TMS_INFINITYF : x;
  }
  const int denormal = x < 1.17549435e-38f;
  const uint32_t bits = tms_float_bits(denormal ? x * 8388608.0f : x);
  const uint32_t large = (bits & 0x7fffffu) >= 0x3504f3u; /* the fraction of sqrt(2) */
  const int32_t e = (int32_t)(bits >> 23) - 127 + (int32_t)large - (denormal ? 23 : 0);
  const float f = tms_float_from_bits((bits & 0x7fffffu) | (127u - large) << 23) - 1.0f;
  const float z = tms_exact(f * f), k = (float)e;
  float p = 0.06747117f;
  p = tms_exact(p * f) - 0.11787253f;
  p = tms_exact(p * f) + 0.11952392f;
  p = tms_exact(p * f) - 0.12389999f;
  p = tms_exact(p * f) + 0.14207582f;
  p = tms_exact(p * f) - 0.16668527f;
  p = tms_exact(p * f) + 0.20002823f;
  p = tms_exact(p * f) - 0.2500001f;
  p = tms_exact(p * f) + 0.333333f;
  p = tms_exact(tms_exact(z * f) * p) + tms_exact(k * 1.4286068e-06f);
  return tms_exact(k * 0.693145751953125f) + (f + (p - tms_exact(0.5f * z)));
}

/* Rounded correctly: one binary digit of the root after the other. */
static inline float tms_sqrtf(float x) {
  if (!(x >= 0.0f)) {
    return TMS_NANF;
  }
  if (x <= 0.0f || x >= TMS_INFINITYF) {
    return x;
  }
  const int denormal = x < 1.17549435e-38f;
  const uint32_t bits = tms_float_bits(denormal ? x * 16777216.0f : x);
  const int32_t e = (int32_t)(bits >> 23) - 127;
  const int odd = e & 1;
  uint64_t rest = (uint64_t)((bits & 0x7fffffu) | 0x800000u) << (odd ? 26 : 25);
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 48; bit; bit >>= 2) {
    const uint64_t tried = root + bit;
    root >>= 1;
    if (rest >= tried) {
      rest -= tried;
      root += bit;
    }
  }
  const uint32_t mantissa = (uint32_t)((root + 1) >> 1);
  const int32_t exponent = (e - odd) / 2 - (denormal ? 12 : 0) + 126;
  return tms_float_from_bits(((uint32_t)exponent << 23) + mantissa);
}

/* Towards zero; NaN stays, and so does what has no fraction. */
static inline float tms_truncf(float x) {
  return tms_absf(x) < 8388608.0f ? tms_with_sign(tms_absf((float)(int32_t)x), x) : tms_one_nan(x);
}

static inline float tms_floorf(float x) {
  const float t = tms_truncf(x);
  return x < t ? t - 1.0f : t;
}

static inline float tms_ceilf(float x) {
  const float t = tms_truncf(x);
  return t < x ? tms_with_sign(tms_absf(t + 1.0f), x) : t;
}

/* Half to even: at 2^23 a float has no bits left for a fraction. */
static inline float tms_roundf(float x) {
  const float a = tms_absf(x);
  return a < 8388608.0f ? tms_with_sign(tms_exact(a + 8388608.0f) - 8388608.0f, x) : tms_one_nan(x);
}

/* erf: x times a polynomial of x^2 up to 1, then 1 - e^-x^2 times one of 1 / (1 + x / 2). */
static inline float tms_erff(float x) {
  const float a = tms_absf(x), z = tms_exact(a * a);
  if (a < 1.0f) {
    float p = 7.889123e-05f;
    p = tms_exact(p * z) - 0.0008020842f;
    p = tms_exact(p * z) + 0.0051895357f;
    p = tms_exact(p * z) - 0.026854444f;
    p = tms_exact(p * z) + 0.112836f;
    p = tms_exact(p * z) - 0.37612626f;
    p = tms_exact(p * z) + 1.1283791f;
    return tms_exact(x * p);
  }
  if (!(a < 4.0f)) {
    return a == a ? tms_with_sign(1.0f, x) : TMS_NANF;
  }
  const float t = 1.0f / (1.0f + tms_exact(0.5f * a));
  float p = -0.22756897f;
  p = tms_exact(p * t) + 0.62742823f;
  p = tms_exact(p * t) - 0.053920686f;
  p = tms_exact(p * t) + 0.39082932f;
  p = tms_exact(p * t) + 0.26138362f;
  p = tms_exact(p * t) + 0.0016339064f;
  return tms_with_sign(1.0f - tms_exact(tms_expf(-z) * p), x);
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|); what 1 + e loses of a small e is put back. */
static inline float tms_softplusf(float x) {
  const float e = tms_expf(-tms_absf(x)), u = tms_exact(1.0f + e);
  const float small = u <= 1.0f ? e : tms_exact(tms_logf(u) * (e / (u - 1.0f)));
  return tms_one_nan(x >= 0.0f ? x + small : small);
}

/* x (1 + erf(x / sqrt 2)) / 2 */
static inline float tms_geluf(float x) {
  if (x <= -TMS_INFINITYF) {
    return -0.0f;
  }
  return tms_one_nan(tms_exact(0.5f * x) * (1.0f + tms_erff(tms_exact(x * 0.70710677f))));
}

/* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, as x sigmoid(2 ...) */
static inline float tms_gelu_tanhf(float x) {
  if (x <= -TMS_INFINITYF) {
    return -0.0f;
  }
  const float cubic = tms_exact(0.044715f * tms_exact(tms_exact(x * x) * x));
  return tms_one_nan(x * tms_sigmoidf(tms_exact(1.5957691f * (x + cubic))));
}

/* x^y = e^(y ln |x|), negative for a negative x and an odd y; NaN for a negative x and a fraction y. */
static inline float tms_powf(float x, float y) {
  if (tms_absf(y) <= 0.0f || (x <= 1.0f && x >= 1.0f)) {
    return 1.0f;
  }
  if (x != x || y != y) {
    return TMS_NANF;
  }
  const float size = tms_expf(tms_exact(y * tms_logf(tms_absf(x))));
  if (!(tms_float_bits(x) & 0x80000000u)) {
    return size;
  }
  const int whole = tms_truncf(y) == y;
  const int odd = whole && tms_absf(y) < 16777216.0f && ((int32_t)y & 1);
  if (!whole && x < 0.0f && -TMS_INFINITYF < x) {
    return TMS_NANF;
  }
  return odd ? -size : size;
}

#endif
