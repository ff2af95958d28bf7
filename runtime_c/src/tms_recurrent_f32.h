/* SPDX-License-Identifier: 0BSD
 *
 * What recurrent layers share: sums over input and state, activations, and the walk over the steps.
 * The state h lives in its output while the steps run. */
#ifndef TMS_RECURRENT_F32_H
#define TMS_RECURRENT_F32_H

#include "tms_math.h"
#include "tms_rows.h"

static inline float tms_activated(int kind, float x) {
  switch (kind) {
  case TMS_SIGMOID:
    return tms_sigmoidf(x);
  case TMS_TANH:
    return tms_tanhf(x);
  case TMS_RELU:
    return tms_clip(x, 0.0f, TMS_INFINITYF);
  case TMS_HARD_SIGMOID:
    return tms_clip(tms_exact(0.2f * x) + 0.5f, 0.0f, 1.0f);
  default:
    return tms_one_nan(x);
  }
}

static inline float tms_dot_on_f32(float acc, const float *x, const float *w, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    acc += tms_exact(x[i] * w[i]);
  }
  return acc;
}

/* Row `row` of the weights: bias, then the input, then the state. */
static inline float tms_gate_sum(const tms_recurrent_f32_params *p, int32_t row, const float *x,
                                 const float *h) {
  const float acc = tms_dot_on_f32(p->bias[row], x, p->w + row * p->in_n, p->in_n);
  return tms_dot_on_f32(acc, h, p->r + row * p->hidden, p->hidden);
}

static inline float tms_gate(const tms_recurrent_f32_params *p, int which, float sum) {
  return tms_activated(p->activation[which], tms_clip(sum, -p->clip, p->clip));
}

/* One step: from x and the states to new states. */
typedef void tms_recurrent_step(const tms_recurrent_f32_params *p, const float *x, float *h, float *c,
                                float *scratch);

TMS_BODY void tms_recurrent_sequence(const tms_recurrent_f32_params *p, int32_t b, const float *in, float *h,
                                     float *c, float *out, float *scratch, tms_recurrent_step *step) {
  const int32_t n = p->hidden, length = p->lengths[b];
  const int32_t every = p->directions * p->batch * n;
  float *to = out + (p->direction * p->batch + b) * n;
  for (int32_t i = 0; i < p->steps; i++) {
    const int32_t t = i < length && p->reverse ? length - 1 - i : i;
    if (i < length) {
      step(p, in + (t * p->batch + b) * p->in_n, h, c, scratch);
    }
    for (int32_t j = 0; p->whole && j < n; j++) {
      to[t * every + j] = i < length ? h[j] : 0.0f;
    }
  }
}

/* c0 and c are h0 and h where there is no second state. */
TMS_BODY void tms_recurrent_body(const tms_recurrent_f32_params *p, const float *in, const float *h0,
                                 const float *c0, float *out, float *h, float *c, float *scratch,
                                 tms_recurrent_step *step) {
  for (int32_t b = 0; b < p->batch; b++) {
    const int32_t at = (p->direction * p->batch + b) * p->hidden;
    for (int32_t j = 0; j < p->hidden; j++) {
      h[at + j] = h0[at + j];
      c[at + j] = c0[at + j];
    }
    tms_recurrent_sequence(p, b, in, h + at, c + at, out, scratch, step);
  }
}

#endif
