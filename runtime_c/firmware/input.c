/* SPDX-License-Identifier: 0BSD */
#include "app.h"
#include "monitor.h"
#include "port.h"

uint32_t tms_input_bytes(void) {
  uint32_t total = 0;
  for (int i = 0; i < tms_app_model->n_inputs; i++) {
    total += tms_app_model->inputs[i].bytes;
  }
  return total;
}

uint8_t *tms_spare_or_null(void) {
  uint32_t bytes;
  uint8_t *spare = tms_port_spare(&bytes);
  return bytes >= tms_input_bytes() ? spare : NULL;
}

/* The tms_row_source of an image that waits whole. */
static int row_of(void *image, int32_t y, void *to) {
  const tms_tensor *input = tms_app_model->inputs;
  uint32_t row_bytes = input->bytes / input->shape[0];
  __builtin_memcpy(to, (const uint8_t *)image + (uint32_t)y * row_bytes, row_bytes);
  return 0;
}

void tms_infer(void) {
  if (tms_app_model->run_rows) {
    (void)tms_app_model->run_rows(tms_app_arena, row_of, tms_spare_or_null());
  } else {
    tms_app_model->run(tms_app_arena);
  }
}
