/* SPDX-License-Identifier: 0BSD
 *
 * A recurrent layer: each time step runs a list of operations on int16 vectors that lie in the scratch
 * memory, zero points taken off. */
#ifndef TMS_SCAN_S8_H
#define TMS_SCAN_S8_H

#include "tms_fixed_sigmoid.h"
#include "tms_rescale.h"
#include "tms_rows.h"
#include "tms_sigmoid_s16.h"
#include "tms_tanh_s16.h"

/* LiteRT rounds twice, but has sigmoids and some shifts of its own. */
enum { TMS_LITERT = TMS_TWICE + 1 };

static inline int32_t tms_scan_rescale(int32_t x, int32_t multiplier, int32_t shift, int rounding) {
  return tms_rescale(x, multiplier, shift, rounding == TMS_ONCE ? TMS_ONCE : TMS_TWICE);
}

static inline int32_t tms_scan_dot_s8(int32_t sum, const int8_t *a, const int8_t *w, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    sum += a[i] * w[i];
  }
  return sum;
}

static inline int32_t tms_scan_dot_s16(int32_t sum, const int16_t *a, const int8_t *w, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    sum += a[i] * w[i];
  }
  return sum;
}

/* Weights times the input or a vector, and vector b added. */
TMS_BODY void tms_scan_gemm(const tms_scan_params *p, const tms_scan_operation *op, const int8_t *x,
                            int16_t *v, int rounding) {
  const int8_t *w = p->weights + op->weights;
  for (int32_t j = 0; j < op->n; j++, w += op->in_n) {
    const int32_t start = op->bias < 0 ? 0 : p->bias[op->bias + j];
    const int32_t sum = op->kind == TMS_SCAN_GEMM_OF_INPUT ? tms_scan_dot_s8(start, x, w, op->in_n)
                                                           : tms_scan_dot_s16(start, v + op->a, w, op->in_n);
    const int32_t row = op->factor + (op->per_row ? j : 0);
    int32_t y = tms_scan_rescale(sum, p->multiplier[row], p->shift[row], rounding);
    if (rounding != TMS_LITERT) {
      y = tms_clamp(y, op->low, op->high);
    }
    y += op->b < 0 ? 0 : v[op->b + j];
    v[op->out + j] = (int16_t)tms_clamp(y, op->low, op->high);
  }
}

TMS_BODY void tms_scan_activate(const tms_scan_params *p, const tms_scan_operation *op, int16_t *v,
                                int rounding) {
  const int16_t *a = v + op->a;
  int16_t *out = v + op->out;
  if (rounding == TMS_TWICE) {
    const tms_sigmoid_s16_params table = {op->n, op->multiplier_a, op->shift, p->table};
    if (op->kind == TMS_SCAN_TANH) {
      tms_tanh_s16_body(&table, a, out);
    } else {
      tms_sigmoid_s16_body(&table, a, out);
    }
    return;
  }
  for (int32_t j = 0; j < op->n; j++) {
    const int tanh = op->kind == TMS_SCAN_TANH;
    if (rounding == TMS_ONCE) {
      const int32_t y = tanh ? tms_near_tanh(p->table, a[j], op->multiplier_a)
                             : tms_near_sigmoid(p->table, a[j], op->multiplier_a);
      out[j] = (int16_t)tms_clamp(y, -32768, 32767);
    } else {
      out[j] = tanh ? tms_fixed_tanh(a[j], op->shift) : tms_fixed_logistic(a[j], op->shift);
    }
  }
}

/* Rounded half to even: halves are frequent where scales are powers of two. */
static inline int32_t tms_scan_sum(const tms_scan_operation *op, int32_t a, int32_t b) {
  const int64_t sum = (int64_t)a * op->multiplier_a + (int64_t)b * op->multiplier_b;
  const int64_t up = sum + ((int64_t)1 << (op->shift - 1));
  const int32_t y = (int32_t)(up >> op->shift);
  return (up & (((int64_t)1 << op->shift) - 1)) == 0 ? y & ~1 : y;
}

/* In LiteRT, multiplier 0 divides by a power of two. */
TMS_BODY int32_t tms_scan_product(const tms_scan_operation *op, int32_t product, int rounding) {
  if (rounding == TMS_LITERT && op->multiplier_a == 0) {
    return tms_divide_by_pot(product, -op->shift);
  }
  return tms_scan_rescale(product, op->multiplier_a, op->shift, rounding);
}

TMS_BODY void tms_scan_elementwise(const tms_scan_operation *op, int16_t *v, int rounding) {
  for (int32_t j = 0; j < op->n; j++) {
    const int32_t a = v[op->a + j], b = op->b < 0 ? 0 : v[op->b + j];
    const int32_t y =
        op->kind == TMS_SCAN_SUM ? tms_scan_sum(op, a, b) : tms_scan_product(op, a * b, rounding);
    v[op->out + j] = (int16_t)tms_clamp(y, op->low, op->high);
  }
}

TMS_BODY void tms_scan_step(const tms_scan_params *p, const int8_t *x, int16_t *v, int rounding) {
  for (int32_t i = 0; i < p->operations_n; i++) {
    const tms_scan_operation *op = (const tms_scan_operation *)(const void *)p->operations + i;
    if (op->kind <= TMS_SCAN_GEMM) {
      tms_scan_gemm(p, op, x, v, rounding);
    } else if (op->kind >= TMS_SCAN_SIGMOID) {
      tms_scan_activate(p, op, v, rounding);
    } else {
      tms_scan_elementwise(op, v, rounding);
    }
  }
}

/* Vectors to and from memory of one or two bytes an element, starting at element `at`. */
static inline void tms_scan_load(int16_t *v, const void *from, int32_t at, int32_t n, int bytes,
                                 int32_t zero) {
  for (int32_t j = 0; j < n; j++) {
    const int32_t stored = bytes == 1 ? ((const int8_t *)from)[at + j] : ((const int16_t *)from)[at + j];
    v[j] = (int16_t)(stored - zero);
  }
}

static inline void tms_scan_store(const int16_t *v, void *to, int32_t at, int32_t n, int bytes,
                                  int32_t zero) {
  for (int32_t j = 0; j < n; j++) {
    if (bytes == 1) {
      ((int8_t *)to)[at + j] = (int8_t)(v[j] + zero);
    } else {
      ((int16_t *)to)[at + j] = (int16_t)(v[j] + zero);
    }
  }
}

TMS_BODY void tms_scan_sequence(const tms_scan_params *p, int32_t b, int states, const int8_t *in, void *out,
                                int16_t *v, int rounding) {
  for (int32_t i = 0; i < p->steps; i++) {
    const int32_t place = (p->reverse ? p->steps - 1 - i : i) * p->batch + b;
    tms_scan_step(p, in + place * p->in_n, v, rounding);
    if (p->whole) {
      tms_scan_store(v + p->out_at, out, place * p->out_n, p->out_n, p->out_bytes, p->out_zero);
    }
    for (int s = 0; s < states; s++) {
      for (int32_t j = 0; j < p->state_n[s]; j++) {
        v[p->state_at[s] + j] = v[p->after_at[s] + j];
      }
    }
  }
}

TMS_BODY void tms_scan_body(const tms_scan_params *p, int states, const int8_t *in, const void *const *starts,
                            void *out, void *const *lasts, void *scratch, int rounding) {
  int16_t *v = scratch;
  for (int32_t b = 0; b < p->batch; b++) {
    for (int s = 0; s < states; s++) {
      const int32_t n = p->state_n[s];
      tms_scan_load(v + p->state_at[s], starts[s], b * n, n, p->state_bytes[s], p->state_zero[s]);
    }
    tms_scan_sequence(p, b, states, in, out, v, rounding);
    for (int s = 0; s < states; s++) {
      const int32_t n = p->state_n[s];
      tms_scan_store(v + p->state_at[s], lasts[s], b * n, n, p->state_bytes[s], p->state_zero[s]);
    }
  }
}

TMS_BODY void tms_scan1_body(const tms_scan_params *p, const int8_t *in, const void *h0, void *out, void *h,
                             void *scratch, int rounding) {
  const void *const starts[] = {h0};
  void *const lasts[] = {h};
  tms_scan_body(p, 1, in, starts, out, lasts, scratch, rounding);
}

TMS_BODY void tms_scan2_body(const tms_scan_params *p, const int8_t *in, const void *h0, const void *c0,
                             void *out, void *h, void *c, void *scratch, int rounding) {
  const void *const starts[] = {h0, c0};
  void *const lasts[] = {h, c};
  tms_scan_body(p, 2, in, starts, out, lasts, scratch, rounding);
}

#endif
