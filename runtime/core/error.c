#include "core/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_SIZE = 1024, TEXTS = 8, TEXT_SIZE = 160 };

/* What a thread needs once something fails. Not thread-local itself: variables
 * that are found without a call come out of what little static room is left for
 * libraries that are loaded late. */
typedef struct error_room {
  char message[ERROR_SIZE];
  char texts[TEXTS][TEXT_SIZE];
  unsigned turn;
} error_room;

static _Thread_local error_room* mine;
static _Thread_local bool is_set;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_made;

static void room_free(void* room) {
  free(room);
  mine = NULL;
}

static void room_make_key(void) {
  key_made = pthread_key_create(&key, room_free) == 0;
}

/* NULL: no memory. */
static error_room* room_get(void) {
  if (mine) return mine;
  pthread_once(&once, room_make_key);
  error_room* room = key_made ? calloc(1, sizeof *room) : NULL;
  if (room && pthread_setspecific(key, room)) {
    free(room);
    return NULL;
  }
  return mine = room;
}

static void error_format(const char* format, va_list args) {
  error_room* room = room_get();
  if (room) vsnprintf(room->message, ERROR_SIZE, format, args);
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
  error_room* room = room_get();
  is_set = true;
  if (!room) return;
  memcpy(old, room->message, sizeof old);
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  snprintf(
      room->message,
      ERROR_SIZE,
      "%s: %.*s",
      words,
      (int)(ERROR_SIZE - sizeof words - 3),
      old);
}

bool error_is_set(void) {
  return is_set;
}
const char* error_message(void) {
  if (!is_set) return "";
  return mine ? mine->message : "out of memory";
}

void error_clear(void) {
  is_set = false;
}

void* error_memory(void) {
  return error_set("out of memory");
}

const char* error_shape(int ndim, const int32_t* shape) {
  enum { SIZE = TEXT_SIZE };
  error_room* room = room_get();
  if (!room) return "(?)";
  char* text = room->texts[room->turn++ % TEXTS];
  int at = snprintf(text, SIZE, "(");
  for (int i = 0; i < ndim && at < SIZE - 16; i++)
    at += snprintf(text + at, (size_t)(SIZE - at), i ? ",%d" : "%d", shape[i]);
  snprintf(text + at, (size_t)(SIZE - at), ndim == 1 ? ",)" : ")");
  return text;
}

const char* error_shape_of(const lz_array* a) {
  return error_shape(a->ndim, a->shape);
}
