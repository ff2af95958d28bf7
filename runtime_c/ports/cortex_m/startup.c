/* SPDX-License-Identifier: 0BSD
 *
 * From reset to tms_main on any Cortex-M; what painting the stack tells. */
#include "timer.h"

#define PAINT 0xC5C5C5C5u
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

extern uint32_t tms_data_load[], tms_data_start[], tms_data_end[];
extern uint32_t tms_bss_start[], tms_bss_end[], tms_spare[];
extern uint32_t tms_stack_limit[], tms_stack_top[];

void tms_reset(void);

/* Without a handler of its own an exception stops here: the board no longer answers, and a
 * debugger shows where. */
static void halt(void) {
  for (;;) {
  }
}

static const struct {
  void *stack;
  void (*handlers[15])(void);
} vectors __attribute__((section(".vectors"), used)) = {
    tms_stack_top,
    {tms_reset, halt, halt, halt, halt, halt, halt, 0, 0, 0, halt, halt, 0, halt, tms_systick},
};

/* volatile: the loops must not become calls that use the stack being painted. */
static void fill(volatile uint32_t *from, const uint32_t *to, uint32_t word) {
  while (from < to) {
    *from++ = word;
  }
}

__attribute__((noinline, used)) static void start(void) {
  fill(tms_stack_limit, (uint32_t *)((uintptr_t)__builtin_frame_address(0) - 64u), PAINT);
  const uint32_t *load = tms_data_load;
  for (volatile uint32_t *word = tms_data_start; word < tms_data_end; word++) {
    *word = *load++;
  }
  fill(tms_bss_start, tms_bss_end, 0);
  tms_main();
  halt();
}

/* Apart from start(), whose prologue may already save FPU registers. */
void tms_reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  CPACR |= 0xFu << 20;
  __asm volatile("dsb\n\tisb" ::: "memory");
#endif
  start();
}

uint32_t tms_port_stack_bytes(void) {
  return (uint32_t)((uintptr_t)tms_stack_top - (uintptr_t)tms_stack_limit);
}

uint32_t tms_port_stack_used(void) {
  const uint32_t *word = tms_stack_limit;
  while (word < tms_stack_top && *word == PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)tms_stack_top - (uintptr_t)word);
}

uint8_t *tms_port_spare(uint32_t *bytes) {
  *bytes = (uint32_t)((uintptr_t)tms_stack_limit - (uintptr_t)tms_spare);
  return (uint8_t *)tms_spare;
}
