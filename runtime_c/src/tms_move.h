/* SPDX-License-Identifier: 0BSD
 *
 * Moving elements whatever they mean; the compiler folds their size away. */
#ifndef TMS_MOVE_H
#define TMS_MOVE_H

#include "tms.h"
#include "tms_rows.h"

#ifdef __GNUC__
typedef uint32_t __attribute__((may_alias)) tms_word;
#else
typedef uint32_t tms_word;
#endif

/* Element `to` of out = element `from` of in; elements of 1 or 4 bytes. */
TMS_BODY void tms_move(void *out, int32_t to, const void *in, int32_t from, int size) {
  if (size == 4) {
    ((tms_word *)out)[to] = ((const tms_word *)in)[from];
  } else {
    ((uint8_t *)out)[to] = ((const uint8_t *)in)[from];
  }
}

#endif
