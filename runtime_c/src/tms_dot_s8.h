/* SPDX-License-Identifier: 0BSD
 *
 * Products of a run of int8 inputs with several filters, whose weights have 8 or 4 bits. */
#ifndef TMS_DOT_S8_H
#define TMS_DOT_S8_H

#include "tms_nibble.h"
#include "tms_rows.h"

/* Filters that share each load of the input: as many sums and weight pointers as registers hold. */
enum { TMS_FILTERS = 4 };

/* Bytes that n weights of a filter take. */
TMS_BODY int32_t tms_filter_bytes(int32_t n, int bits) { return bits == 4 ? tms_nibble_bytes(n) : n; }

/* sums[k] += sum of (x[i] + offset) * w[k * w_filter + i], i < n, for k < filters <= TMS_FILTERS. */
static inline void tms_dots_s8_w8(int32_t *sums, int32_t filters, const int8_t *x, const int8_t *w,
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

/* The products of two inputs with the two weights in a byte. */
static inline int32_t tms_pair_s8_w4(int32_t even, int32_t odd, int32_t pair) {
  return even * tms_low_nibble(pair) + odd * (pair >> 4);
}

/* The same with weights of 4 bits: the run begins at weight `first` of its filters, which begin at w. */
static inline void tms_dots_s8_w4(int32_t *sums, int32_t filters, const int8_t *x, const int8_t *w,
                                  int32_t w_filter, int32_t first, int32_t n, int32_t offset) {
  const int32_t lead = n > 0 ? first & 1 : 0, pairs = (n - lead) >> 1, last = lead + 2 * pairs;
  for (int32_t k = 0; k < filters; k++) {
    if (lead) {
      sums[k] += (x[0] + offset) * tms_nibble(w + k * w_filter, first);
    }
    if (last < n) {
      sums[k] += (x[last] + offset) * tms_nibble(w + k * w_filter, first + last);
    }
  }
  x += lead, w += (first + lead) >> 1;
  if (filters == TMS_FILTERS) {
    const int8_t *w1 = w + w_filter, *w2 = w1 + w_filter, *w3 = w2 + w_filter;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (int32_t i = 0; i < pairs; i++) {
      const int32_t even = x[2 * i] + offset, odd = x[2 * i + 1] + offset;
      s0 += tms_pair_s8_w4(even, odd, w[i]);
      s1 += tms_pair_s8_w4(even, odd, w1[i]);
      s2 += tms_pair_s8_w4(even, odd, w2[i]);
      s3 += tms_pair_s8_w4(even, odd, w3[i]);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    return;
  }
  for (int32_t k = 0; k < filters; k++, w += w_filter) {
    for (int32_t i = 0; i < pairs; i++) {
      sums[k] += tms_pair_s8_w4(x[2 * i] + offset, x[2 * i + 1] + offset, w[i]);
    }
  }
}

/* Either: sums of a run that begins at weight `first` of filters w_filter bytes apart. */
TMS_BODY void tms_dots_s8(int32_t *sums, int32_t filters, const int8_t *x, const int8_t *w, int32_t w_filter,
                          int32_t first, int32_t n, int32_t offset, int bits) {
  if (bits == 4) {
    tms_dots_s8_w4(sums, filters, x, w, w_filter, first, n, offset);
  } else {
    tms_dots_s8_w8(sums, filters, x, w + first, w_filter, n, offset);
  }
}

#endif
