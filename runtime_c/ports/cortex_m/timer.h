/* SPDX-License-Identifier: 0BSD
 *
 * SysTick as a board's clock: tms_port_ticks and tms_port_align_tick come with it. */
#ifndef TMS_TIMER_H
#define TMS_TIMER_H

#include "port.h"

void tms_timer_start(void);
void tms_systick(void); /* the interrupt handler */

#endif
