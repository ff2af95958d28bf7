/* SPDX-License-Identifier: 0BSD
 *
 * Products of a run of int8 inputs with several filters. */
#ifndef TMS_DOT_S8_H
#define TMS_DOT_S8_H

#include "tms_rows.h"

/* sums[k] += sum of (x[i] + offset) * w[k * w_filter + i], i < n, for k < filters <= TMS_FILTERS. */
static inline void tms_dots_s8(int32_t *sums, int32_t filters, const int8_t *x, const int8_t *w,
                               int32_t w_filter, int32_t n, int32_t offset) {
  if (filters == TMS_FILTERS) {
    const int8_t *w1 = w + w_filter, *w2 = w1 + w_filter, *w3 = w2 + w_filter;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (int32_t i = 0; i < n; i++) {
      const int32_t value = x[i] + offset;
      s0 += value * w[i];
      s1 += value * w1[i];
      s2 += value * w2[i];
      s3 += value * w3[i];
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    return;
  }
  for (int32_t k = 0; k < filters; k++, w += w_filter) {
    for (int32_t i = 0; i < n; i++) {
      sums[k] += (x[i] + offset) * w[i];
    }
  }
}

#endif
