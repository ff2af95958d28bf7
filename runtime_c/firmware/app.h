/* SPDX-License-Identifier: 0BSD
 *
 * What the generated app.c tells the monitor of the model beside it. */
#ifndef TMS_APP_H
#define TMS_APP_H

#include "tms.h"

extern const tms_model *const tms_app_model;
extern const char tms_app_digest[]; /* of the generated model code, 16 hexadecimal digits */
extern uint8_t tms_app_arena[];
extern const uint32_t tms_app_arena_bytes; /* of all of it, where it is in two pieces */

void tms_app_start(void); /* gives the model its memory; nothing is carried from run to run yet */

/* The linker script puts the arena behind all other variables, or into other banks of memory. */
#ifdef __arm__
#define TMS_ARENA_SECTION __attribute__((section(".arena")))
#define TMS_SECOND_SECTION __attribute__((section(".second")))
#else
#define TMS_ARENA_SECTION
#define TMS_SECOND_SECTION
#endif

#endif
