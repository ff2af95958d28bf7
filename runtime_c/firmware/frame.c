/* SPDX-License-Identifier: 0BSD */
#include "monitor.h"
#include "port.h"

static uint16_t crc16(const uint8_t *bytes, int n) {
  uint32_t crc = 0xFFFF;
  while (n-- > 0) {
    crc ^= (uint32_t)*bytes++ << 8;
    for (int bit = 0; bit < 8; bit++) {
      crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
  }
  return (uint16_t)crc;
}

/* In place: the code byte before a group says where the group ends. */
static int cobs_decode(uint8_t *bytes, int n) {
  int in = 0, out = 0;
  while (in < n) {
    int code = bytes[in++];
    if (code == 0 || in + code - 1 > n) {
      return -1;
    }
    for (int i = 1; i < code; i++) {
      bytes[out++] = bytes[in++];
    }
    if (code < 255 && in < n) {
      bytes[out++] = 0;
    }
  }
  return out;
}

int tms_frame_decode(int length, uint8_t *type, uint16_t *sequence) {
  uint8_t *frame = tms_line + 1;
  int n = cobs_decode(frame, length);
  if (n < TMS_FRAME_HEADER + TMS_FRAME_CRC) {
    return -1;
  }
  n -= TMS_FRAME_CRC;
  if (crc16(frame, n) != (frame[n] | frame[n + 1] << 8)) {
    return -1;
  }
  *type = frame[0];
  *sequence = (uint16_t)(frame[1] | frame[2] << 8);
  return n - TMS_FRAME_HEADER;
}

/* A frame has fewer than 254 bytes, so that one code byte before it is all that COBS adds and
 * each zero becomes the distance to the next one. */
void tms_frame_send(uint8_t type, uint16_t sequence, int payload_bytes) {
  uint8_t *frame = tms_line + 1;
  int n = TMS_FRAME_HEADER + payload_bytes;
  uint32_t now_us = (uint32_t)tms_now_us();
  frame[0] = type;
  frame[1] = (uint8_t)sequence;
  frame[2] = (uint8_t)(sequence >> 8);
  for (int i = 0; i < 4; i++) {
    frame[3 + i] = (uint8_t)(now_us >> 8 * i);
  }
  uint16_t crc = crc16(frame, n);
  frame[n++] = (uint8_t)crc;
  frame[n++] = (uint8_t)(crc >> 8);

  int code_at = 0;
  for (int i = 1; i <= n; i++) {
    if (tms_line[i] == 0) {
      tms_line[code_at] = (uint8_t)(i - code_at);
      code_at = i;
    }
  }
  tms_line[code_at] = (uint8_t)(n + 1 - code_at);
  tms_port_put(0);
  for (int i = 0; i <= n; i++) {
    tms_port_put(tms_line[i]);
  }
  tms_port_put(0);
}

void tms_frame_error(uint16_t sequence, const char *what) {
  int n = 0;
  while (what[n]) {
    TMS_PAYLOAD[n] = (uint8_t)what[n];
    n++;
  }
  tms_frame_send(TMS_FRAME_ERROR, sequence, n);
}
