/* SPDX-License-Identifier: 0BSD
 *
 * Moving elements whatever they mean; the compiler folds their size away. */
#ifndef TMS_MOVE_H
#define TMS_MOVE_H

#include "tms.h"
#include "tms_rows.h"

#ifdef __GNUC__
typedef uint32_t __attribute__((may_alias)) tms_word;
typedef uint16_t __attribute__((may_alias)) tms_half;
#else
typedef uint32_t tms_word;
typedef uint16_t tms_half;
#endif

/* Element `to` of out = element `from` of in; elements of 1, 2 or 4 bytes. */
TMS_BODY void tms_move(void *out, int32_t to, const void *in, int32_t from, int size) {
  if (size == 4) {
    ((tms_word *)out)[to] = ((const tms_word *)in)[from];
  } else if (size == 2) {
    ((tms_half *)out)[to] = ((const tms_half *)in)[from];
  } else {
    ((uint8_t *)out)[to] = ((const uint8_t *)in)[from];
  }
}

#endif
