/* Trace files: the records, how they are written, how they are read.
 *
 * A trace is one file a process. Threads append to chunks of their own, mapped
 * from the file and shared with the kernel, so what a thread has written
 * survives the process however it ends; an event counts once its chunk's length
 * covers it. traces/FORMAT.md, made from events.def, describes the bytes.
 *
 * This room depends on POSIX, zstd and xxHash alone.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_VERSION 1u
#define TRACE_FRAME_LOCATION (UINT64_C(1) << 63)

/* Bytes; not terminated by NUL. While writing: the caller's. After reading:
 * valid until the next trace_reader_next(). The same holds for lists. */
typedef struct trace_text {
  const char* bytes;
  uint32_t length;
} trace_text;

typedef struct trace_ids {
  const uint64_t* ids;
  uint32_t count;
} trace_ids;

typedef struct trace_array {
  uint8_t dtype; /* mlx_dtype */
  uint8_t ndim;
  const int32_t* shape;
} trace_array;

typedef struct trace_arrays {
  const trace_array* arrays;
  uint32_t count;
} trace_arrays;

typedef uint8_t trace_type_U8;
typedef uint32_t trace_type_U32;
typedef uint64_t trace_type_U64;
typedef uint64_t trace_type_NS;
typedef uint32_t trace_type_STR;
typedef uint32_t trace_type_STACK;
typedef trace_text trace_type_TEXT;
typedef trace_ids trace_type_IDS;
typedef trace_arrays trace_type_ARRAYS;

/* struct trace_node, trace_eval_begin, … : one for each event of the table. */
#define FIELD(type, id, text) trace_type_##type id;
#define EVENT(number, id, name, text, ...) \
  typedef struct trace_##id {              \
    __VA_ARGS__                            \
  } trace_##id;
#include "events.def"
#undef EVENT
#undef FIELD

/* TRACE_EVENT_node = 16, … */
enum trace_event_kind {
#define EVENT(number, id, name, text, ...) TRACE_EVENT_##id = number,
#include "events.def"
#undef EVENT
};

/* One event as the reader hands it out. `kind` may be unknown to this version:
 * then no member of the union is set. */
typedef struct trace_event {
  uint16_t kind;   /* enum trace_event_kind */
  uint32_t origin; /* index of the recording thread in the file, from 0 */
  uint64_t time;   /* ns, CLOCK_MONOTONIC */
  union {
#define EVENT(number, id, name, text, ...) trace_##id id;
#include "events.def"
#undef EVENT
  };
} trace_event;

/* ---- writing ------------------------------------------------------------
 *
 * Any thread may write at any time, signal handlers included; a thread's first
 * write takes a chunk. Nothing here allocates with malloc, takes a lock that
 * outlives a chunk change, or changes errno. A full disk stops the recording,
 * never the program: later writes count as lost. */

typedef struct trace_writer trace_writer;

typedef struct trace_writer_options {
  size_t chunk_bytes;  /* 0: the default, 256 KiB; tests take less */
  uint64_t ring_bytes; /* 0: keep all; else keep about the newest so many */
} trace_writer_options;

/* Creates the file (0644; one that is there goes, but for those who have it
 * open) and writes its header. NULL and errno where that fails; no file is left
 * then. At most 8 writers are open at once in a process. */
trace_writer* trace_writer_open(
    const char* path, const trace_writer_options* options);

/* Ends the file in order: unused space is cut off. Threads still writing lose
 * their events. Safe to leave out: the file is readable at any moment. */
void trace_writer_close(trace_writer* w);

/* In a child after fork(): forget the parent's file without touching it. */
void trace_writer_abandon(trace_writer* w);

/* Interned strings and stacks: defined in the file on first sight, the same id
 * after. Lock-free for what is known. 0 when the tables are full. */
uint32_t trace_writer_string(trace_writer* w, const char* bytes, size_t length);
uint32_t trace_writer_stack(
    trace_writer* w, const uint64_t* frames, uint32_t count);
uint32_t trace_writer_location(
    trace_writer* w, const char* file, uint32_t line, const char* function);

/* trace_put_node(w, time, &node) … : append one event. `time` 0 means now.
 * Return false when the event was lost. */
#define EVENT(number, id, name, text, ...) \
  bool trace_put_##id(trace_writer* w, uint64_t time, const trace_##id* event);
#include "events.def"
#undef EVENT

/* Events lost so far, all threads. */
uint64_t trace_writer_lost(const trace_writer* w);

/* CLOCK_MONOTONIC in ns, from the time-stamp counter where that is steady. */
uint64_t trace_now(void);

/* ---- reading ------------------------------------------------------------ */

typedef struct trace_reader trace_reader;

/* Opens a trace, packed or not. On failure returns NULL and writes one line
 * that names the file and what is wrong with it into `error`. */
trace_reader* trace_reader_open(
    const char* path, char* error, size_t error_size);
void trace_reader_close(trace_reader* r);

/* The next event: 1; the end: 0; the end of a damaged file: -1, with
 * trace_reader_error(). Damage ends nothing early: what is complete before and
 * after the damaged place is delivered first, and a `gap` event stands for what
 * is missing, as it does for what a ring has overwritten.
 * Order: each thread's events in the order recorded; threads merged by time;
 * definitions (string, stack, location, module, …) always before their use. */
int trace_reader_next(trace_reader* r, trace_event* event);

/* One line about the first damage met, naming the file and the offset; NULL
 * while there is none. */
const char* trace_reader_error(const trace_reader* r);

/* What the file says of itself. */
typedef struct trace_info {
  uint32_t version;
  uint32_t threads;
  uint64_t file_bytes;
  bool packed;
  bool finished; /* closed in order */
  bool
      truncated; /* something is missing: a cut, a damaged place, lost events */
  uint64_t lost; /* events that could not be written */
  uint64_t start_ns;    /* CLOCK_MONOTONIC when the file was opened */
  uint64_t realtime_ns; /* CLOCK_REALTIME at the same moment */
  bool ring;            /* only about the newest events were kept */
} trace_info;
void trace_reader_info(const trace_reader* r, trace_info* info);

/* Bytes read of all bytes, 0…1: for progress. */
double trace_reader_progress(const trace_reader* r);

/* ---- the table at run time ---------------------------------------------- */

typedef enum trace_field_type {
  TRACE_U8,
  TRACE_U32,
  TRACE_U64,
  TRACE_NS,
  TRACE_STR,
  TRACE_STACK,
  TRACE_TEXT,
  TRACE_IDS,
  TRACE_ARRAYS
} trace_field_type;

typedef struct trace_field_info {
  trace_field_type type;
  const char* name;
  const char* text;
  size_t offset; /* in the event's struct */
} trace_field_info;

typedef struct trace_event_info {
  uint16_t kind;
  const char* name;
  const char* text;
  const trace_field_info* fields;
  uint32_t n_fields;
} trace_event_info;

/* All events of the table, in its order. */
const trace_event_info* trace_events(uint32_t* count);
/* One of them, or NULL. */
const trace_event_info* trace_event_find(uint16_t kind);

/* Compresses a trace for keeping; readers take both. 0, or 1 with `error`. */
int trace_pack(const char* in, const char* out, char* error, size_t error_size);

/* The same, with the definitions of a second trace added (symbols, say): it
 * must use ids that the first does not. */
int trace_pack_with(
    const char* in,
    const char* definitions,
    const char* out,
    char* error,
    size_t error_size);

#endif
