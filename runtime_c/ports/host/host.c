/* SPDX-License-Identifier: 0BSD
 *
 * This computer as a board: UART on file descriptors 0 and 1, the firmware on a thread whose
 * stack is ours to paint. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "port.h"

#define PAINT 0xC5u

enum { SPARE_BYTES = 1 << 20, STACK_ALIGN = 16384 };

/* From the heap, so that the image's static memory is what it would be on a board. */
static uint8_t *stack, *spare;
static uint8_t received[4096], sending[4096];
static size_t received_at, received_n, sending_n;

void tms_port_start(void) {}

static void flush(void) {
  size_t at = 0;
  while (at < sending_n) {
    ssize_t n = write(1, sending + at, sending_n - at);
    if (n < 0 && errno != EINTR) {
      _exit(1); /* nobody is at the other end any more */
    }
    at += n > 0 ? (size_t)n : 0;
  }
  sending_n = 0;
}

static int wait_ms(int milliseconds) {
  struct pollfd line = {.fd = 0, .events = POLLIN};
  return poll(&line, 1, milliseconds) > 0;
}

int tms_port_get(void) {
  if (received_at == received_n) {
    flush();
    if (!wait_ms(0)) {
      return -1;
    }
    ssize_t n = read(0, received, sizeof received);
    if (n <= 0) {
      _exit(0); /* the other end was closed: the board is switched off */
    }
    received_at = 0;
    received_n = (size_t)n;
  }
  return received[received_at++];
}

void tms_port_put(uint8_t byte) {
  sending[sending_n++] = byte;
  if (sending_n == sizeof sending) {
    flush();
  }
}

void tms_port_idle(void) {
  flush();
  (void)wait_ms(100);
}

uint64_t tms_port_ticks(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * TMS_TICK_HZ + (uint64_t)now.tv_nsec;
}

void tms_port_align_tick(void) {}

uint32_t tms_port_stack_bytes(void) { return TMS_STACK_BYTES; }

uint32_t tms_port_stack_used(void) {
  uint32_t untouched = 0;
  while (untouched < TMS_STACK_BYTES && stack[untouched] == PAINT) {
    untouched++;
  }
  return TMS_STACK_BYTES - untouched;
}

uint8_t *tms_port_spare(uint32_t *bytes) {
  *bytes = SPARE_BYTES;
  return spare;
}

static void *firmware(void *unused) {
  (void)unused;
  tms_main();
  return NULL;
}

int main(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  signal(SIGHUP, SIG_IGN);
  spare = malloc(SPARE_BYTES);
  if (!spare || posix_memalign((void **)&stack, STACK_ALIGN, TMS_STACK_BYTES)) {
    return 1;
  }
  memset(stack, PAINT, TMS_STACK_BYTES);
  if (pthread_attr_init(&attributes) || pthread_attr_setstack(&attributes, stack, TMS_STACK_BYTES) ||
      pthread_create(&thread, &attributes, firmware, NULL)) {
    return 1;
  }
  pthread_join(thread, NULL);
  return 0;
}
