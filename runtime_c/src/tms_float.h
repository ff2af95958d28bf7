/* SPDX-License-Identifier: 0BSD
 *
 * What makes float kernels give the same bytes on every machine, whatever the flags (short of
 * -ffast-math): no fused multiply-add, no vector units that flush denormals, one NaN.
 *
 * Two habits serve clang's soft float as zig 0.16 links it. Where an operand may be NaN, compare by
 * <, <=, >=, never by >, which holds for NaN there. Divide only where the quotient is normal or is
 * rounded away: a denormal quotient becomes zero there. So a mean is a sum times 1 / count.
 */
#ifndef TMS_FLOAT_H
#define TMS_FLOAT_H

#include <stdint.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

#define TMS_NANF __builtin_nanf("")
#define TMS_INFINITYF __builtin_inff()

/* x, rounded to float here. gcc fuses multiply and add unless told otherwise on its command line,
 * and both compilers vectorise float loops for MVE, which flushes denormals and loses the order of
 * NaNs. An empty asm hides the value from both and costs no instruction. Every product that is
 * added to something and every value of an element-wise loop passes through here. */
static inline float tms_exact(float x) {
#if defined(__GNUC__) && (defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_MVE))
#if defined(__ARM_FP) && defined(__arm__)
  __asm__("" : "+t"(x));
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
#elif defined(__SSE__)
  __asm__("" : "+x"(x));
#elif defined(__riscv_flen) || defined(__XTENSA__)
  __asm__("" : "+f"(x));
#else
  __asm__("" : "+r"(x));
#endif
#endif
  return x;
}

/* The sign and payload of a computed NaN differ from machine to machine: all become one. */
static inline float tms_one_nan(float x) { return x == x ? x : TMS_NANF; }

/* x within [lo, hi]; NaN stays NaN, a zero keeps its sign. */
static inline float tms_clip(float x, float lo, float hi) {
  if (x >= lo) {
    return x <= hi ? x : hi;
  }
  return x < lo ? lo : TMS_NANF;
}

static inline uint32_t tms_float_bits(float x) {
  union {
    float value;
    uint32_t bits;
  } u;
  u.value = x;
  return u.bits;
}

static inline float tms_float_from_bits(uint32_t bits) {
  union {
    float value;
    uint32_t bits;
  } u;
  u.bits = bits;
  return u.value;
}

#endif
