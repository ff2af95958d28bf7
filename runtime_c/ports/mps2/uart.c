/* SPDX-License-Identifier: 0BSD
 *
 * The CMSDK APB UART of Arm's MPS boards. */
#include "timer.h"

#if defined(TMS_MACHINE_MPS2_AN385) || defined(TMS_MACHINE_MPS2_AN386) || defined(TMS_MACHINE_MPS2_AN500)
#define UART_BASE 0x40004000u
#elif defined(TMS_MACHINE_MPS2_AN505)
#define UART_BASE 0x50200000u /* the secure alias: the core starts in secure state */
#elif defined(TMS_MACHINE_MPS3_AN547)
#define UART_BASE 0x59303000u
#else
#error "unknown MPS machine"
#endif

#define REGISTER(offset) (*(volatile uint32_t *)(UART_BASE + (offset)))
#define UART_DATA REGISTER(0x00)
#define UART_STATE REGISTER(0x04)
#define UART_CTRL REGISTER(0x08)
#define UART_INTERRUPT REGISTER(0x0C)
#define UART_BAUD_DIVIDER REGISTER(0x10)
#define TX_FULL 1u
#define RX_READY 2u
#define ENABLE_TX_RX_RX_INTERRUPT 0x0Bu
#define RX_INTERRUPT 2u

#define NVIC_ENABLE ((volatile uint32_t *)0xE000E100u)
#define NVIC_DISABLE ((volatile uint32_t *)0xE000E180u)
#define NVIC_CLEAR ((volatile uint32_t *)0xE000E280u)
#define NVIC_WORDS 3

void tms_port_start(void) {
  UART_BAUD_DIVIDER = TMS_TICK_HZ / 115200u;
  UART_CTRL = ENABLE_TX_RX_RX_INTERRUPT;
  tms_timer_start();
}

int tms_port_get(void) { return UART_STATE & RX_READY ? (int)(UART_DATA & 0xFFu) : -1; }

void tms_port_put(uint8_t byte) {
  while (UART_STATE & TX_FULL) {
  }
  UART_DATA = byte;
}

/* With interrupts masked a pending one still ends the sleep, and no handler is needed. All lines
 * are open because only the UART was told to raise one, whatever its number on this machine. */
void tms_port_idle(void) {
  __asm volatile("cpsid i" ::: "memory");
  UART_INTERRUPT = RX_INTERRUPT;
  for (int i = 0; i < NVIC_WORDS; i++) {
    NVIC_CLEAR[i] = ~0u;
    NVIC_ENABLE[i] = ~0u;
  }
  if (!(UART_STATE & RX_READY)) {
    __asm volatile("dsb\n\twfi" ::: "memory");
  }
  for (int i = 0; i < NVIC_WORDS; i++) {
    NVIC_DISABLE[i] = ~0u;
  }
  __asm volatile("cpsie i" ::: "memory");
}
