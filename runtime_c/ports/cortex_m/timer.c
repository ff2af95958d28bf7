/* SPDX-License-Identifier: 0BSD
 *
 * Time from SysTick, extended to 64 bits by counting its wraps. */
#include "timer.h"

#define SYSTICK_CTRL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_LOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define ICSR (*(volatile uint32_t *)0xE000ED04u)
#define ICSR_SYSTICK_PENDING (1u << 26)
#define WRAP_MASK 0xFFFFFFu

static volatile uint32_t wraps;
static uint64_t epoch; /* ticks before the last alignment */

void tms_systick(void) { wraps++; }

void tms_timer_start(void) {
  SYSTICK_LOAD = WRAP_MASK;
  SYSTICK_VALUE = 0; /* any write clears it; it reads 0 until the first reload */
  SYSTICK_CTRL = 7;  /* processor clock, interrupt, enable */
  while (SYSTICK_VALUE == 0) {
  }
}

uint64_t tms_port_ticks(void) {
  uint32_t high, value;
  do { /* again where a wrap fell in between or waits to be counted */
    high = wraps;
    value = SYSTICK_VALUE;
  } while (high != wraps || (ICSR & ICSR_SYSTICK_PENDING));
  return epoch + ((uint64_t)high << 24) + (WRAP_MASK - value);
}

void tms_port_align_tick(void) {
  epoch = tms_port_ticks();
  wraps = 0;
  tms_timer_start();
}
