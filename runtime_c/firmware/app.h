/* SPDX-License-Identifier: 0BSD
 *
 * What the generated app.c tells the monitor of the model beside it. */
#ifndef TMS_APP_H
#define TMS_APP_H

#include "tms.h"

extern const tms_model *const tms_app_model;
extern const char tms_app_digest[]; /* of the generated model code, 16 hexadecimal digits */
extern uint8_t tms_app_arena[];

/* The linker script puts the arena behind all other variables. */
#ifdef __arm__
#define TMS_ARENA_SECTION __attribute__((section(".arena")))
#else
#define TMS_ARENA_SECTION
#endif

#endif
