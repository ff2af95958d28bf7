/* SPDX-License-Identifier: 0BSD
 *
 * Which input each tap of a transposed convolution reads: the stride spreads inputs, not outputs. */
#ifndef TMS_UPSAMPLING_H
#define TMS_UPSAMPLING_H

#include "tms_rows.h"

/* The place in [0, size) that tap k of output place `out` reads, or -1. */
static inline int32_t tms_upsampled_from(int32_t out, int32_t pad, int32_t k, int32_t dilation,
                                         int32_t stride, int32_t size) {
  const int32_t at = out + pad - k * dilation;
  return at >= 0 && at % stride == 0 && at / stride < size ? at / stride : -1;
}

#endif
