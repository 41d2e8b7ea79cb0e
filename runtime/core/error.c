#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ERROR_SIZE 1024

static _Thread_local char message[ERROR_SIZE];
static _Thread_local bool is_set;

static void error_format(const char* format, va_list args) {
  vsnprintf(message, sizeof message, format, args);
  is_set = true;
}

void* error_set(const char* format, ...) {
  va_list args;
  va_start(args, format);
  error_format(format, args);
  va_end(args);
  return NULL;
}

int error_fail(const char* format, ...) {
  va_list args;
  va_start(args, format);
  error_format(format, args);
  va_end(args);
  return 1;
}

void error_context(const char* format, ...) {
  char old[ERROR_SIZE], words[256];
  memcpy(old, message, sizeof old);
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  snprintf(
      message,
      sizeof message,
      "%s: %.*s",
      words,
      (int)(sizeof message - sizeof words - 3),
      old);
  is_set = true;
}

bool error_is_set(void) {
  return is_set;
}
const char* error_message(void) {
  return is_set ? message : "";
}

void error_clear(void) {
  is_set = false;
}

void* error_memory(void) {
  return error_set("out of memory");
}

const char* error_shape(int ndim, const int32_t* shape) {
  enum { TEXTS = 8, SIZE = 160 };
  static _Thread_local char texts[TEXTS][SIZE];
  static _Thread_local unsigned turn;
  char* text = texts[turn++ % TEXTS];
  int at = snprintf(text, SIZE, "(");
  for (int i = 0; i < ndim && at < SIZE - 16; i++)
    at += snprintf(text + at, (size_t)(SIZE - at), i ? ",%d" : "%d", shape[i]);
  snprintf(text + at, (size_t)(SIZE - at), ndim == 1 ? ",)" : ")");
  return text;
}

const char* error_shape_of(const lz_array* a) {
  return error_shape(a->ndim, a->shape);
}
