/* SPDX-License-Identifier: 0BSD
 *
 * Folds the rows of [rows][channels]; how one more value changes the result so far is given as a
 * function that the compiler inlines. */
#ifndef TMS_REDUCE_F32_H
#define TMS_REDUCE_F32_H

#include "tms_float.h"
#include "tms_rows.h"

typedef float tms_joined_f32(float so_far, float x);

TMS_BODY void tms_reduce_f32_body(const tms_mean_f32_params *p, const float *in, float *out, float start,
                                  tms_joined_f32 *join) {
  for (int32_t c = 0; c < p->channels; c++) {
    float value = start;
    for (int32_t r = 0; r < p->rows; r++) {
      value = join(value, tms_exact(in[r * p->channels + c]));
    }
    out[c] = tms_one_nan(value);
  }
}

#endif
