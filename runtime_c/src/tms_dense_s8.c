/* SPDX-License-Identifier: 0BSD */
#include "tms_dot_s8.h"
#include "tms_rescale.h"

TMS_BODY void tms_dense_s8_body(const tms_dense_s8_params *p, const int8_t *in, int8_t *out, int rounding) {
  const int32_t w_filter = p->in_n;
  int32_t sums[TMS_FILTERS];
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    for (int32_t o = 0; o < p->out_n; o += TMS_FILTERS) {
      const int32_t n = p->out_n - o < TMS_FILTERS ? p->out_n - o : TMS_FILTERS;
      for (int32_t k = 0; k < n; k++) {
        sums[k] = p->bias[o + k];
      }
      tms_dots_s8(sums, n, in, p->weights + o * w_filter, w_filter, p->in_n, p->in_offset);
      for (int32_t k = 0; k < n; k++) {
        const int32_t scaled = tms_rescale(sums[k], p->multiplier[o + k], p->shift[o + k], rounding);
        *out++ = (int8_t)tms_clamp(scaled + p->out_offset, p->act_min, p->act_max);
      }
    }
  }
}

void tms_dense_s8(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_body(p, in, out, TMS_ONCE);
}

void tms_dense_s8_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_body(p, in, out, TMS_TWICE);
}
