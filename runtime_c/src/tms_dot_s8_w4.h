/* SPDX-License-Identifier: 0BSD
 *
 * Products of a run of int8 inputs with several filters, whose weights have 4 bits. */
#ifndef TMS_DOT_S8_W4_H
#define TMS_DOT_S8_W4_H

#include "tms_nibble.h"
#include "tms_rows.h"

/* As tms_dots_s8; the run begins at weight `first` of its filters, which begin at w.
 * It also writes sums behind those of `filters`. */
TMS_SHARED void tms_dots_s8_w4(int32_t *sums, int32_t filters, const int8_t *x, const int8_t *w,
                               int32_t w_filter, int32_t first, int32_t n, int32_t offset) {
  int32_t upper = first & 1;
  w += first >> 1;
  const int8_t *w1 = filters > 1 ? w + w_filter : w;
  const int8_t *w2 = filters > 2 ? w1 + w_filter : w;
  const int8_t *w3 = filters > 3 ? w2 + w_filter : w;
  int32_t s0 = sums[0], s1 = filters > 1 ? sums[1] : 0;
  int32_t s2 = filters > 2 ? sums[2] : 0, s3 = filters > 3 ? sums[3] : 0;
  while (n > 0) {
    if (upper || n == 1) { /* shares its byte with a weight outside the run */
      const int32_t value = *x++ + offset;
      s0 += value * tms_nibble(*w, upper);
      s1 += value * tms_nibble(*w1, upper);
      s2 += value * tms_nibble(*w2, upper);
      s3 += value * tms_nibble(*w3, upper);
      w++, w1++, w2++, w3++;
      upper = 0, n--;
    }
    /* A byte is 16 upper + lower + 8, so that two products need one shift. */
    int32_t evens = 0, i = 0;
    TMS_ROLLED
    for (const int32_t pairs = n >> 1; i < pairs; i++, x += 2) {
      const int32_t even = x[0] + offset, rest = x[1] + offset - 16 * even;
      evens += even;
      s0 += even * w[i], s0 += rest * (w[i] >> 4);
      s1 += even * w1[i], s1 += rest * (w1[i] >> 4);
      s2 += even * w2[i], s2 += rest * (w2[i] >> 4);
      s3 += even * w3[i], s3 += rest * (w3[i] >> 4);
    }
    w += i, w1 += i, w2 += i, w3 += i;
    evens *= 8, n &= 1;
    s0 -= evens, s1 -= evens, s2 -= evens, s3 -= evens;
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#endif
