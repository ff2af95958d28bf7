/* SPDX-License-Identifier: 0BSD */
#include "app.h"
#include "monitor.h"
#include "port.h"

enum { ITEM_MODEL, ITEM_INPUT, ITEM_OUTPUT };
enum { PROTOCOL_VERSION = 1, ENTRY_BYTES = 4 };
enum { RUN_TRACED = 1, RUN_FRESH = 2 }; /* bits of a request to run */

static uint64_t started_ticks;
static uint16_t run_sequence;
static int tracing;

/* The reply to the last run is repeated, not the run, when its request comes again. */
static uint64_t run_ticks;
static int ran;

static uint32_t get32(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int put(int at, uint64_t value, int bytes) {
  while (bytes-- > 0) {
    TMS_PAYLOAD[at++] = (uint8_t)value;
    value >>= 8;
  }
  return at;
}

static int put_text(int at, const char *text) {
  while (*text && at < TMS_FRAME_PAYLOAD) {
    TMS_PAYLOAD[at++] = (uint8_t)*text++;
  }
  return at;
}

static void start_clock(void) {
  tms_port_align_tick();
  started_ticks = tms_port_ticks();
}

uint64_t tms_run(void) {
  start_clock();
  tms_infer();
  return tms_port_ticks() - started_ticks;
}

/* Generated code calls this after each layer. Sending takes place with the clock stopped. */
void tms_trace(int layer) {
  if (tracing) {
    uint64_t ticks = tms_port_ticks() - started_ticks;
    tms_frame_send(TMS_FRAME_LAYER, run_sequence, put(put(0, (uint64_t)layer, 2), ticks, 4));
    start_clock();
  }
}

/* version u8, inputs u16, outputs u16, layers u16, arena u32, ticks a second u32, digest 16, name */
static int model_info(void) {
  const tms_model *model = tms_app_model;
  int at = put(0, PROTOCOL_VERSION, 1);
  at = put(at, model->n_inputs, 2);
  at = put(at, model->n_outputs, 2);
  at = put(at, model->n_layers, 2);
  at = put(at, tms_app_arena_bytes, 4);
  at = put(at, TMS_TICK_HZ, 4);
  at = put_text(at, tms_app_digest);
  return put_text(at, model->name);
}

/* dtype u8, bytes u32, scale f32, zero point i32, shape 4 x u16, name */
static int tensor_info(const tms_tensor *tensor) {
  uint32_t scale_bits;
  __builtin_memcpy(&scale_bits, &tensor->scale, sizeof scale_bits);
  int at = put(0, tensor->dtype, 1);
  at = put(at, tensor->bytes, 4);
  at = put(at, scale_bits, 4);
  at = put(at, (uint32_t)tensor->zero_point, 4);
  for (int axis = 0; axis < 4; axis++) {
    at = put(at, tensor->shape[axis], 2);
  }
  return put_text(at, tensor->name);
}

/* item u8, index u16 */
static int info(int n) {
  const tms_model *model = tms_app_model;
  int index = TMS_PAYLOAD[1] | TMS_PAYLOAD[2] << 8;
  if (n != 3) {
    return -1;
  }
  switch (TMS_PAYLOAD[0]) {
  case ITEM_MODEL:
    return model_info();
  case ITEM_INPUT:
    return index < model->n_inputs ? tensor_info(&model->inputs[index]) : -1;
  case ITEM_OUTPUT:
    return index < model->n_outputs ? tensor_info(&model->outputs[index]) : -1;
  default:
    return -1;
  }
}

/* index u8, offset u32; where behind `base`, or NULL where `bytes` from there are not all inside. */
static uint8_t *place(uint8_t *base, const tms_tensor *tensors, int count, uint32_t bytes) {
  uint32_t offset = get32(TMS_PAYLOAD + 1);
  if (!base || TMS_PAYLOAD[0] >= count) {
    return NULL;
  }
  const tms_tensor *tensor = &tensors[TMS_PAYLOAD[0]];
  if (bytes > tensor->bytes || offset > tensor->bytes - bytes) {
    return NULL;
  }
  return base + tensor->offset + offset;
}

/* Where an input's bytes wait: in the arena, or beside it; NULL where there is no room. */
static uint8_t *inputs_at(void) { return tms_app_model->run_rows ? tms_spare_or_null() : tms_app_arena; }

static int write_input(int n) {
  int bytes = n - ENTRY_BYTES - 1;
  const tms_model *model = tms_app_model;
  uint8_t *to = bytes < 0 ? NULL : place(inputs_at(), model->inputs, model->n_inputs, (uint32_t)bytes);
  if (!to) {
    return -1;
  }
  __builtin_memcpy(to, TMS_PAYLOAD + ENTRY_BYTES + 1, (size_t)bytes);
  return 0;
}

static int read_output(int n) {
  uint8_t count = TMS_PAYLOAD[ENTRY_BYTES + 1];
  if (n != ENTRY_BYTES + 2 || count > TMS_FRAME_PAYLOAD) {
    return -1;
  }
  const uint8_t *from = place(tms_app_arena, tms_app_model->outputs, tms_app_model->n_outputs, count);
  if (!from) {
    return -1;
  }
  __builtin_memcpy(TMS_PAYLOAD, from, count);
  return count;
}

static int run(uint16_t sequence, int n) {
  if (n != 1 || !inputs_at()) {
    return -1;
  }
  if (!ran || run_sequence != sequence) {
    if (TMS_PAYLOAD[0] & RUN_FRESH) {
      tms_app_model->reset(tms_app_arena);
    }
    tracing = TMS_PAYLOAD[0] & RUN_TRACED;
    run_sequence = sequence;
    run_ticks = tms_run();
    tracing = 0;
  }
  ran = 1;
  return put(0, run_ticks, 8);
}

static int memory(void) {
  int at = put(0, tms_app_arena_bytes, 4);
  at = put(at, tms_port_stack_bytes(), 4);
  return put(at, tms_port_stack_used(), 4);
}

void tms_request(uint8_t type, uint16_t sequence, int payload_bytes) {
  int reply = -1;
  switch (type) {
  case TMS_FRAME_INFO:
    reply = info(payload_bytes);
    break;
  case TMS_FRAME_WRITE:
    ran = 0;
    reply = write_input(payload_bytes);
    break;
  case TMS_FRAME_RUN:
    reply = run(sequence, payload_bytes);
    break;
  case TMS_FRAME_READ:
    reply = read_output(payload_bytes);
    break;
  case TMS_FRAME_MEMORY:
    reply = memory();
    break;
  default:
    break;
  }
  if (reply < 0) {
    tms_frame_error(sequence, "request not understood");
  } else {
    tms_frame_send(type, sequence, reply);
  }
}
