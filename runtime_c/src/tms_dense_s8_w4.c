/* SPDX-License-Identifier: 0BSD */
#include "tms_dot_s8_w4.h"
#include "tms_put_s8.h"

TMS_BODY void tms_dense_s8_w4_body(const tms_dense_s8_params *p, const int8_t *in, int8_t *out,
                                   int rounding) {
  const int32_t w_filter = tms_nibble_bytes(p->in_n);
  int32_t sums[TMS_FILTERS];
  for (int32_t row = 0; row < p->rows; row++, in += p->in_n) {
    for (int32_t o = 0; o < p->out_n; o += TMS_FILTERS) {
      const int32_t n = p->out_n - o < TMS_FILTERS ? p->out_n - o : TMS_FILTERS;
      const tms_scaling s = {p->multiplier + o, p->shift + o, p->out_offset, p->act_min, p->act_max};
      tms_begin_sums(sums, p->bias + o, n);
      tms_dots_s8_w4(sums, n, in, p->weights + o * w_filter, w_filter, 0, p->in_n, p->in_offset);
      tms_put_s8(out, sums, n, &s, rounding);
      out += n;
    }
  }
}

void tms_dense_s8_w4(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_w4_body(p, in, out, TMS_ONCE);
}

void tms_dense_s8_w4_dr(const tms_dense_s8_params *p, const int8_t *in, int8_t *out) {
  tms_dense_s8_w4_body(p, in, out, TMS_TWICE);
}
