/* SPDX-License-Identifier: 0BSD
 *
 * The text commands of MLPerf Tiny's runner. Replies end with a line "m-ready". */
#include "app.h"
#include "monitor.h"
#include "port.h"

static uint32_t db_bytes, db_loaded; /* announced by "db load", received so far */

/* ---- writing -------------------------------------------------------------------------------- */
static void say(const char *text) {
  while (*text) {
    tms_port_put((uint8_t)*text++);
  }
}

static void say_number(uint64_t value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do {
    digits[--at] = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  say(digits + at);
}

static void say_line(const char *before, uint64_t value, const char *after) {
  say(before);
  say_number(value);
  say(after);
}

void tms_text_error(const char *what, const char *about) {
  say("e-[");
  say(what);
  while (*about) { /* what came over a noisy line may be anything */
    char letter = *about++;
    tms_port_put((uint8_t)(letter > ' ' && letter < 127 && letter != ']' ? letter : '?'));
  }
  say("]\r\nm-ready\r\n");
}

/* factor * scale with six decimals. By hand on the bits: floating point would bring in a library
 * on cores that have none. Beyond 2^63 it stays there. */
static void say_scaled(int32_t factor, uint32_t scale_bits) {
  int exponent = (int)(scale_bits >> 23 & 0xFF) - 150;
  uint64_t value = scale_bits & 0x7FFFFF;
  if (exponent == 105) {
    say(value ? "nan" : scale_bits >> 31 ? "-inf" : "inf");
    return;
  }
  if (exponent == -150) {
    exponent = -149; /* zero or subnormal */
  } else {
    value |= 0x800000;
  }
  if ((factor < 0) != (scale_bits >> 31)) {
    say("-");
  }
  uint32_t magnitude = factor < 0 ? 0u - (uint32_t)factor : (uint32_t)factor;
  value *= magnitude; /* 24 + 32 bits; six decimals are shifted in where they still fit */
  uint64_t whole, rest;
  if (exponent >= 0) {
    whole = exponent < 40 && value >> (63 - exponent) == 0 ? value << exponent : ~0ull >> 1;
    rest = 0;
  } else {
    int shift = -exponent;
    whole = shift < 64 ? value >> shift : 0;
    rest = shift < 64 ? value - (whole << shift) : value;
    while (shift > 40) { /* leaves room for the factor of a million */
      rest >>= 1;
      shift--;
    }
    rest = (rest * 1000000u + (1ull << shift >> 1)) >> shift;
    whole += rest / 1000000u;
    rest %= 1000000u;
  }
  say_line("", whole, ".");
  for (uint32_t unit = 100000; unit; unit /= 10) {
    tms_port_put((uint8_t)('0' + rest / unit % 10));
  }
}

/* ---- reading -------------------------------------------------------------------------------- */
/* Cuts the next word off; NULL at the end. */
static char *next_word(char **rest) {
  char *word = *rest;
  while (*word == ' ') {
    word++;
  }
  char *end = word;
  while (*end && *end != ' ') {
    end++;
  }
  *rest = *end ? end + 1 : end;
  *end = 0;
  return *word ? word : NULL;
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

/* A decimal number below 10^9, or -1. */
static int32_t number(const char *word) {
  int32_t value = 0;
  int digits = 0;
  for (; word && *word; word++, digits++) {
    if (*word < '0' || *word > '9' || digits == 9) {
      return -1;
    }
    value = value * 10 + (*word - '0');
  }
  return digits ? value : -1;
}

static int nibble(char letter) {
  if (letter >= '0' && letter <= '9') {
    return letter - '0';
  }
  letter |= 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* ---- the input ------------------------------------------------------------------------------
 * An inference may overwrite its inputs in the arena. Where RAM is left, the bytes wait there and
 * every inference starts from them; else they go to the arena and serve once, or find no room. */
static uint8_t *in_arena(uint32_t at) {
  const tms_tensor *input = tms_app_model->inputs;
  while (at >= input->bytes) {
    at -= input->bytes;
    input++;
  }
  return tms_app_arena + input->offset + at;
}

static void restore_input(void) {
  const uint8_t *spare = tms_spare_or_null();
  int resident = tms_app_model->run_rows ? 0 : tms_app_model->n_inputs;
  for (int i = 0; spare && db_loaded && i < resident; i++) {
    const tms_tensor *input = &tms_app_model->inputs[i];
    __builtin_memcpy(tms_app_arena + input->offset, spare, input->bytes);
    spare += input->bytes;
  }
}

static const char *db_hex(const char *digits) {
  uint8_t *spare = tms_spare_or_null();
  for (; *digits && db_loaded < db_bytes; digits += 2) {
    int high = nibble(digits[0]);
    int low = high < 0 ? -1 : nibble(digits[1]);
    if (low < 0) {
      return "Invalid hex digit";
    }
    *(spare ? spare + db_loaded : in_arena(db_loaded)) = (uint8_t)(high << 4 | low);
    db_loaded++;
  }
  if (db_loaded == db_bytes) {
    say("m-load-done\r\n");
  }
  return NULL;
}

static int no_room(void) { return tms_app_model->run_rows && !tms_spare_or_null(); }

static const char *db(char *rest) {
  char *word = next_word(&rest);
  if (!word) {
    return "Command 'db' requires a subcommand";
  }
  if (!same(word, "load")) {
    return db_bytes ? db_hex(word) : "No 'db load' before";
  }
  int32_t bytes = number(next_word(&rest));
  if (bytes <= 0) {
    return "Command 'db load' requires the # of bytes";
  }
  if ((uint32_t)bytes > tms_input_bytes()) {
    return "More bytes than the model's input has";
  }
  if (no_room()) {
    return "Not enough free RAM for the input";
  }
  db_bytes = (uint32_t)bytes;
  db_loaded = 0;
  say_line("m-[Expecting ", db_bytes, " bytes]\r\n");
  return NULL;
}

/* ---- inference ------------------------------------------------------------------------------ */
static int32_t element(const tms_tensor *tensor, uint32_t index) {
  const uint8_t *from = tms_app_arena + tensor->offset;
  int16_t halfword;
  int32_t word;
  switch (tensor->dtype) {
  case TMS_INT8:
    return (int8_t)from[index];
  case TMS_INT16:
    __builtin_memcpy(&halfword, from + 2 * index, sizeof halfword);
    return halfword;
  case TMS_INT32:
  case TMS_FLOAT32:
    __builtin_memcpy(&word, from + 4 * index, sizeof word);
    return word;
  default:
    return from[index];
  }
}

static void say_results(void) {
  static const uint8_t sizes[] = {1, 1, 1, 2, 4, 4, 1};
  const char *between = "";
  say("m-results-[");
  for (int i = 0; i < tms_app_model->n_outputs; i++) {
    const tms_tensor *output = &tms_app_model->outputs[i];
    uint32_t scale_bits = 0x3F800000; /* 1.0 */
    if (output->scale > 0) {
      __builtin_memcpy(&scale_bits, &output->scale, sizeof scale_bits);
    }
    for (uint32_t index = 0; index < output->bytes / sizes[output->dtype]; index++) {
      int32_t stored = element(output, index);
      say(between);
      between = ",";
      if (output->dtype == TMS_FLOAT32) {
        say_scaled(1, (uint32_t)stored);
      } else {
        say_scaled(stored - output->zero_point, scale_bits);
      }
    }
  }
  say("]\r\n");
}

static void say_lap(void) { say_line("m-lap-us-", tms_now_us(), "\r\n"); }

static const char *infer(char *rest) {
  char *word = next_word(&rest);
  int32_t runs = word ? number(word) : 1;
  word = next_word(&rest);
  int32_t warmups = word ? number(word) : 10;
  if (runs <= 0) {
    return "Inference iterations must be >0";
  }
  if (warmups < 0) {
    return "Inference warmup must be >=0";
  }
  if (no_room()) {
    return "Not enough free RAM for the input";
  }
  if (runs + warmups > 1 && !tms_spare_or_null()) {
    return "Not enough free RAM to repeat an input: use 'infer 1 0'";
  }
  say_line("m-warmup-start-", (uint64_t)warmups, "\r\n");
  while (warmups-- > 0) {
    restore_input();
    tms_infer();
  }
  say_line("m-warmup-done\r\nm-infer-start-", (uint64_t)runs, "\r\n");
  say_lap();
  while (runs-- > 0) {
    restore_input();
    tms_infer();
  }
  say_lap();
  say("m-infer-done\r\n");
  say_results();
  return NULL;
}

/* ---- commands ------------------------------------------------------------------------------- */
static const char *help(char *rest) {
  (void)rest;
  say("help          this text\r\n"
      "name          the board\r\n"
      "profile       the protocol and the model\r\n"
      "timestamp     time in us\r\n"
      "db load N     announce N bytes of input\r\n"
      "db HEX        some of them\r\n"
      "infer N [W]   W inferences to warm up (10), then N, timed\r\n"
      "results       the outputs of the last inference\r\n"
      "Every command ends with a percent sign.\r\n");
  return NULL;
}

static const char *name(char *rest) {
  (void)rest;
  say("m-name-dut-[" TMS_BOARD "]\r\n");
  return NULL;
}

/* The runner knows the firmware it can drive by this name. */
static const char *profile(char *rest) {
  (void)rest;
  say("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
  say(tms_app_model->name);
  say("]\r\n");
  return NULL;
}

static const char *timestamp(char *rest) {
  (void)rest;
  say_lap();
  return NULL;
}

static const char *results(char *rest) {
  (void)rest;
  say_results();
  return NULL;
}

static const struct {
  const char *word;
  const char *(*answer)(char *rest); /* NULL, or what was wrong */
} commands[] = {
    {"help", help}, {"name", name},   {"profile", profile}, {"timestamp", timestamp},
    {"db", db},     {"infer", infer}, {"results", results},
};

void tms_text_banner(void) { say("m-init-done\r\nm-ready\r\n"); }

void tms_text_command(char *command) {
  char *word = next_word(&command);
  for (unsigned i = 0; word && i < sizeof commands / sizeof commands[0]; i++) {
    if (same(word, commands[i].word)) {
      const char *wrong = commands[i].answer(command);
      if (wrong) {
        tms_text_error(wrong, "");
      } else {
        say("m-ready\r\n");
      }
      return;
    }
  }
  tms_text_error("Unknown command: ", word ? word : "");
}
