/* events.def as data, and the two checksums of the format. */
#include <pthread.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "trace_format.h"

/* The fields of each event; a function each, so that `self` can name the
 * event's struct. */
#define FIELD(type, id, text) {TRACE_##type, #id, text, offsetof(self, id)},
#define EVENT(number, id, name, text, ...)                           \
  static const trace_field_info* trace_table_##id(uint32_t* count) { \
    typedef trace_##id self;                                         \
    static const trace_field_info fields[] = {__VA_ARGS__};          \
    *count = sizeof fields / sizeof *fields;                         \
    return fields;                                                   \
  }
#include "events.def"
#undef EVENT
#undef FIELD

enum {
#define EVENT(number, id, name, text, ...) TRACE_TABLE_##id,
#include "events.def"
#undef EVENT
  TRACE_TABLE_COUNT
};

#define TRACE_TABLE_KINDS 255u

/* A number takes one byte on disk. */
#define EVENT(number, id, name, text, ...) \
  _Static_assert(number > 0 && number < TRACE_TABLE_KINDS, "kind of " name);
#include "events.def"
#undef EVENT

/* A number that is used twice does not compile. */
static inline void trace_table_unique(unsigned kind) {
  switch (kind) {
#define EVENT(number, id, name, text, ...) \
  case number:                             \
    break;
#include "events.def"
#undef EVENT
  }
}

static trace_event_info table[TRACE_TABLE_COUNT];
static const trace_event_info* by_kind[TRACE_TABLE_KINDS];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void trace_table_fill(void) {
  trace_table_unique(0);
  trace_event_info* info = table;
#define EVENT(number, id, name_, text_, ...)        \
  info->kind = number;                              \
  info->name = name_;                               \
  info->text = text_;                               \
  info->fields = trace_table_##id(&info->n_fields); \
  by_kind[number] = info++;
#include "events.def"
#undef EVENT
}

const trace_event_info* trace_events(uint32_t* count) {
  pthread_once(&table_once, trace_table_fill);
  *count = TRACE_TABLE_COUNT;
  return table;
}

const trace_event_info* trace_event_find(uint16_t kind) {
  pthread_once(&table_once, trace_table_fill);
  return kind < TRACE_TABLE_KINDS ? by_kind[kind] : NULL;
}

uint32_t trace_file_check(const trace_file_header* header) {
  return XXH32(header, offsetof(trace_file_header, check), 0);
}

uint32_t trace_chunk_check(const trace_chunk_header* header, uint64_t offset) {
  const size_t from = offsetof(trace_chunk_header, size);
  return XXH32(
      (const uint8_t*)header + from,
      offsetof(trace_chunk_header, used) - from,
      (uint32_t)(offset / 64));
}
