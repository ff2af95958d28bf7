/* SPDX-License-Identifier: 0BSD
 *
 * What the monitor needs of a board. A port is a folder with this API, start-up code and, where
 * it has one, a linker script; port.toml lists its files. */
#ifndef TMS_PORT_H
#define TMS_PORT_H

#include <stdint.h>

#include "port_config.h"

void tms_main(void); /* the firmware; start-up code calls it with memory in order */

void tms_port_start(void); /* UART and timer */

/* UART, 8 data bits, no parity; 115 200 baud where the wire is real. */
int tms_port_get(void); /* the next byte, or -1 */
void tms_port_put(uint8_t byte);
void tms_port_idle(void); /* nothing to do: sleep until a byte may have come, at most a tick wrap */

/* Time since start-up, TMS_TICK_HZ ticks a second. */
uint64_t tms_port_ticks(void);
/* Lets a tick begin now, so that equal work takes an equal number of ticks; time goes on. */
void tms_port_align_tick(void);

uint32_t tms_port_stack_bytes(void);
uint32_t tms_port_stack_used(void); /* the most since start-up, by painting */

/* RAM that nothing else uses. */
uint8_t *tms_port_spare(uint32_t *bytes);

#endif
