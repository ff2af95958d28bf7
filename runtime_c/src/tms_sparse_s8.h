/* SPDX-License-Identifier: 0BSD
 *
 * Weights with their zeros left out: for each run of a filter, segment by segment, how many blocks
 * follow, and each block as its place in the segment and its weights. */
#ifndef TMS_SPARSE_S8_H
#define TMS_SPARSE_S8_H

#include "tms_rows.h"

enum {
  TMS_SPARSE_SEGMENT = 256, /* blocks in a segment: as many as one byte tells apart */
  TMS_SPARSE_PLACES = 4     /* that share each load of a weight */
};

/* Adds the products of one run, `depth` inputs from x + k * step, to sums[k] for each of `places`,
 * which is 1 or TMS_SPARSE_PLACES; returns the next run's weights. The offset is added at the end,
 * times the sum of weights. */
TMS_BODY const int8_t *tms_sparse_dots_s8(const int8_t *w, const int8_t *x, int32_t step, int32_t places,
                                          int32_t depth, int32_t block, int32_t offset, int32_t *sums) {
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3], weights = 0;
  for (const int8_t *end = x + depth; x < end; x += TMS_SPARSE_SEGMENT * block) {
    const int8_t *last = w + (uint8_t)*w * (1 + block);
    for (w++; w <= last; w += block) {
      const int8_t *v = x + (uint8_t)*w++ * block;
      for (int32_t i = 0; i < block; i++) {
        const int32_t weight = w[i];
        weights += weight;
        s0 += v[i] * weight;
        if (places > 1) {
          s1 += v[i + step] * weight;
          s2 += v[i + 2 * step] * weight;
          s3 += v[i + 3 * step] * weight;
        }
      }
    }
  }
  weights *= offset;
  sums[0] = s0 + weights, sums[1] = s1 + weights, sums[2] = s2 + weights, sums[3] = s3 + weights;
  return w;
}

/* The weights behind `runs` runs of `depth` inputs. */
static inline const int8_t *tms_sparse_skip(const int8_t *w, int32_t runs, int32_t depth, int32_t block) {
  if (runs) {
    const int32_t segments = (depth + TMS_SPARSE_SEGMENT * block - 1) / (TMS_SPARSE_SEGMENT * block);
    for (int32_t i = runs * segments; i > 0; i--) {
      w += 1 + (uint8_t)*w * (1 + block);
    }
  }
  return w;
}

#endif
