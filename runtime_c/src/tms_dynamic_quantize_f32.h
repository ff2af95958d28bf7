/* SPDX-License-Identifier: 0BSD
 *
 * Formulas: SymmetricQuantizeFloats and AsymmetricQuantizeFloats of TensorFlow Lite's
 * internal/reference/portable_tensor_utils.cc.
 */
#ifndef TMS_DYNAMIC_QUANTIZE_F32_H
#define TMS_DYNAMIC_QUANTIZE_F32_H

#include "tms.h"
#include "tms_float.h"

/* Below this range everything is zero, so that no scale or its inverse is denormal or infinite. */
#define TMS_LEAST_RANGE 1e-30f

/* The nearest whole number of |x| < 2^30, away from zero where two are as near. */
static inline int32_t tms_round_away(float x) {
  const int32_t whole = (int32_t)x;
  const float rest = x - (float)whole;
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

/* The code of zero where -128 stands for lo and 127 for hi; it differs from lo / scale by less than
 * one, which takes more than a float to round as TensorFlow Lite does. */
static inline int32_t tms_code_of_zero(double lo, double scale) {
  const double zero = -128.0 - lo / scale;
  if (zero >= 127.0) {
    return 127;
  }
  if (!(zero >= -128.0)) {
    return -128;
  }
  const int32_t whole = (int32_t)zero;
  const double rest = zero - (double)whole;
  return whole + (rest >= 0.5) - (rest <= -0.5);
}

static inline float tms_dynamic_quantize_f32_row(const float *in, float *out, int32_t n, int8_t symmetric) {
  float lo = 0.0f, hi = 0.0f;
  for (int32_t i = 0; i < n; i++) {
    const float x = tms_exact(in[i]);
    lo = x < lo ? x : lo;
    hi = hi < x ? x : hi;
  }
  const float most = -lo < hi ? hi : -lo;
  float scale = 1.0f, inverse = 0.0f, least = -128.0f;
  int32_t zero = 0;
  if (most >= TMS_LEAST_RANGE) {
    if (symmetric) {
      scale = most / 127.0f;
      inverse = 127.0f / most;
      least = -127.0f;
    } else {
      const double exact = ((double)hi - (double)lo) / 255.0;
      zero = tms_code_of_zero(lo, exact);
      scale = (float)exact;
      inverse = (float)(1.0 / (double)scale);
    }
  }
  for (int32_t i = 0; i < n; i++) {
    const float x = (float)zero + tms_exact(in[i] * inverse);
    /* A NaN is the least. */
    const float code = x >= least ? (x <= 127.0f ? x : 127.0f) : least;
    out[i] = tms_exact((float)(tms_round_away(code) - zero));
  }
  return scale;
}

static inline void tms_dynamic_quantize_f32_body(const tms_dynamic_quantize_f32_params *p, const float *in,
                                                 float *out, float *scale) {
  for (int32_t row = 0; row < p->rows; row++) {
    const float units = tms_dynamic_quantize_f32_row(in + row * p->n, out + row * p->n, p->n, p->symmetric);
    scale[row] = tms_exact(units * p->factor);
  }
}

#endif
