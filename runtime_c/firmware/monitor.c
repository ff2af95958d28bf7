/* SPDX-License-Identifier: 0BSD */
#include "monitor.h"

#include "app.h"
#include "port.h"

enum { TEXT_MAX = 120, SILENCE_US = 200000 };

uint8_t tms_line[TMS_LINE_BYTES];

uint64_t tms_now_us(void) {
#if TMS_TICK_HZ % 1000000 == 0
  return tms_port_ticks() / (TMS_TICK_HZ / 1000000u);
#else
  return tms_port_ticks() * 1000000u / TMS_TICK_HZ;
#endif
}

/* 1 where it was a frame; else the zero that ended the garbage may have begun one. */
static int frame_ended(int length) {
  uint8_t type;
  uint16_t sequence;
  int payload_bytes = tms_frame_decode(length, &type, &sequence);
  if (payload_bytes < 0) {
    tms_frame_error(0, "broken frame");
  } else {
    tms_request(type, sequence, payload_bytes);
  }
  return payload_bytes >= 0;
}

static void text_ended(int length) {
  if (length > TEXT_MAX) {
    tms_text_error("Command too long", "");
  } else {
    tms_line[length] = 0;
    tms_text_command((char *)tms_line);
  }
}

/* A byte of text, at most one too many is kept to tell an overlong command; the new length. */
static int take_text(int length, uint8_t byte) {
  if (byte == '%') {
    text_ended(length);
    return 0;
  }
  if (length == 0 && (byte == '\r' || byte == '\n' || byte == ' ')) {
    return 0;
  }
  if (length <= TEXT_MAX) {
    tms_line[length++] = byte;
  }
  return length;
}

void tms_monitor(void) {
  int framed = 0, length = 0;
  uint64_t last_us = tms_now_us();
  tms_text_banner();
  for (;;) {
    int byte = tms_port_get();
    if (byte < 0) {
      tms_port_idle();
      continue;
    }
    uint64_t now_us = tms_now_us();
    if (framed && now_us - last_us > SILENCE_US) { /* its end was lost */
      framed = length = 0;
    }
    last_us = now_us;
    if (!framed && byte != 0) {
      length = take_text(length, (uint8_t)byte);
    } else if (byte != 0) { /* an overlong frame stays one byte too long and so is broken */
      length += length < TMS_LINE_BYTES - 1;
      tms_line[length] = (uint8_t)byte;
    } else { /* begins a frame, or ends one that has bytes */
      framed = !(framed && length && frame_ended(length));
      length = 0;
      last_us = tms_now_us();
    }
  }
}
