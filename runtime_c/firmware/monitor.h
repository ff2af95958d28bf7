/* SPDX-License-Identifier: 0BSD
 *
 * The serial monitor: text commands for people and the MLPerf Tiny runner, binary frames for
 * the studio, on one UART. A text command ends with '%'; a frame stands between zero bytes,
 * which text never holds.
 *
 * Contents
 *   monitor.c  the loop that tells text from frames
 *   text.c     the MLPerf Tiny commands
 *   frame.c    frames: COBS, CRC, send
 *   request.c  what a frame may ask for
 *   input.c    inputs beside the arena, and the run that takes them
 */
#ifndef TMS_MONITOR_H
#define TMS_MONITOR_H

#include <stdint.h>

void tms_monitor(void); /* never returns */

/* One buffer serves a command, a request and its reply: only one of them is there at a time. */
enum { TMS_LINE_BYTES = 256 };
extern uint8_t tms_line[TMS_LINE_BYTES];

/* ---- time ----------------------------------------------------------------------------------- */
uint64_t tms_now_us(void);
/* One inference as by tms_infer; the ticks that it took. */
uint64_t tms_run(void);

/* ---- input ----------------------------------------------------------------------------------
 * An input whose rows a run asks for one by one is not in the arena; it waits in RAM that is left. */
uint32_t tms_input_bytes(void);
uint8_t *tms_spare_or_null(void); /* RAM for all inputs, or NULL */
/* One inference; rows come from the RAM that is left, of which there must be enough. */
void tms_infer(void);

/* ---- text ----------------------------------------------------------------------------------- */
void tms_text_banner(void);
void tms_text_command(char *command); /* ends with a zero byte */
void tms_text_error(const char *what, const char *about);

/* ---- frames ---------------------------------------------------------------------------------
 * COBS(type u8, sequence u16, device_time_us u32, payload, crc u16), little endian; the CRC is
 * CRC-16/CCITT-FALSE over all before it. A reply has its request's type and sequence. */
enum {
  TMS_FRAME_INFO = 1,   /* item u8, index u16 -> see request.c */
  TMS_FRAME_WRITE = 2,  /* input u8, offset u32, bytes -> nothing */
  TMS_FRAME_RUN = 3,    /* trace u8 -> ticks u64; traced: LAYER frames before it */
  TMS_FRAME_READ = 4,   /* output u8, offset u32, count u8 -> bytes */
  TMS_FRAME_MEMORY = 5, /* -> arena, stack size, most stack used: u32 bytes */
  TMS_FRAME_LAYER = 6,  /* only from the board: layer u16, ticks u32 */
  TMS_FRAME_ERROR = 8   /* only from the board: text */
};
enum { TMS_FRAME_HEADER = 7, TMS_FRAME_CRC = 2, TMS_FRAME_PAYLOAD = 240 };

/* The payload stands in tms_line, at TMS_PAYLOAD, when a request is handled and a reply sent. */
#define TMS_PAYLOAD (tms_line + 1 + TMS_FRAME_HEADER)

/* Takes the COBS bytes from tms_line + 1; the payload's length, or -1 where they are broken. */
int tms_frame_decode(int length, uint8_t *type, uint16_t *sequence);
void tms_frame_send(uint8_t type, uint16_t sequence, int payload_bytes);
void tms_frame_error(uint16_t sequence, const char *what);
void tms_request(uint8_t type, uint16_t sequence, int payload_bytes);

#endif
