/* The bytes of a trace file; traces/FORMAT.md says the same in words.
 *
 *   file    = header, chunk*            chunks start at multiples of `align`
 *   chunk   = chunk header, payload     payload: `used` bytes, then nothing
 *   payload = event*                    of one lane of one thread
 *   event   = kind, length, time, fields
 *
 * A lane is what is written in order: a thread has one for events and one for
 * definitions, and as many again for each signal handler that interrupts it
 * while it writes. Numbers are little-endian.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trace.h"

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "traces are written and read in place on little-endian machines");

#define TRACE_MAGIC "\x89LZT\r\n\x1a\n"
#define TRACE_PAGE 4096u
#define TRACE_PACKED_ALIGN 64u
#define TRACE_CHUNK_DEFAULT (256u << 10)
#define TRACE_CHUNK_MAX (64u << 20)   /* so a reader never allocates more */
#define TRACE_CHUNK_MAGIC 0x4b435a4cu /* "LZCK" */

/* Events with a smaller number define what others refer to. */
#define TRACE_FIRST_EVENT 16u

enum { TRACE_FLAG_PACKED = 1, TRACE_FLAG_RING = 2 };
enum { TRACE_CLOCK_SYSTEM = 0, TRACE_CLOCK_TSC = 1 };
enum { TRACE_CHUNK_EVENTS = 1, TRACE_CHUNK_DEFINITIONS = 2 }; /* bits */

/* At offset 0. `check` covers the bytes before it; what follows it changes
 * while the trace is written. */
typedef struct trace_file_header {
  uint8_t magic[8];
  uint32_t version;
  uint32_t header_bytes; /* where the first chunk may start */
  uint32_t flags;
  uint32_t align;
  uint64_t start_ns;    /* CLOCK_MONOTONIC when the file was opened */
  uint64_t realtime_ns; /* CLOCK_REALTIME at the same moment */
  uint32_t clock;
  uint32_t pid;
  uint32_t chunk_bytes; /* size of an ordinary chunk */
  uint32_t check;       /* XXH32, seed 0 */
  uint64_t finished;    /* bytes of the file when closed in order, or 0 */
  uint64_t lost;        /* events that could not be written */
  uint64_t threads;     /* that have written */
} trace_file_header;
_Static_assert(sizeof(trace_file_header) == 80, "on disk");
_Static_assert(offsetof(trace_file_header, check) == 52, "on disk");

/* `check` covers the bytes from `size` up to `used`; its seed is the chunk's
 * offset in the file over 64. */
typedef struct trace_chunk_header {
  uint32_t magic;
  uint32_t check;
  uint32_t size;   /* to the next chunk, this header included */
  uint32_t packed; /* bytes of the zstd frame that follows, or 0: not packed */
  uint32_t origin; /* index of the thread */
  uint16_t depth;  /* 0, or 1 and more inside a signal handler */
  uint16_t kind;   /* TRACE_CHUNK_… */
  uint64_t sequence;      /* of this chunk in its lane, from 0 */
  uint64_t base_time;     /* of the first event */
  uint64_t first_time;    /* of the first event of the lane */
  uint64_t events_before; /* in earlier chunks of the lane */
  uint64_t used;          /* bytes of complete events, before packing */
} trace_chunk_header;
_Static_assert(sizeof(trace_chunk_header) == 64, "on disk");
_Static_assert(offsetof(trace_chunk_header, used) == 56, "on disk");

uint32_t trace_file_check(const trace_file_header* header);
uint32_t trace_chunk_check(const trace_chunk_header* header, uint64_t offset);

/* ---- numbers ----------------------------------------------------------------
 * A number takes a fixed, small size; its largest value there says that the
 * number follows in full. So what is written seldom branches in a way that the
 * processor cannot foresee, and zstd finds the same bytes at the same places.
 *
 *   small       1 byte, or 0xff and 4 bytes
 *   medium      2 bytes, or 0xffff and 4 bytes
 *   difference  4 bytes signed, or INT32_MIN and 8 bytes
 */

#define TRACE_SMALL_MAX 5u /* bytes that one takes at most */
#define TRACE_MEDIUM_MAX 6u
#define TRACE_DIFFERENCE_MAX 12u

static inline uint8_t* trace_put_small(uint8_t* p, uint32_t v) {
  if (__builtin_expect(v < 0xff, 1)) {
    *p = (uint8_t)v;
    return p + 1;
  }
  *p = 0xff;
  memcpy(p + 1, &v, 4);
  return p + 5;
}

static inline uint8_t* trace_put_medium(uint8_t* p, uint32_t v) {
  const uint16_t low = (uint16_t)v;
  if (__builtin_expect(v < 0xffff, 1)) {
    memcpy(p, &low, 2);
    return p + 2;
  }
  memset(p, 0xff, 2);
  memcpy(p + 2, &v, 4);
  return p + 6;
}

static inline uint8_t* trace_put_difference(uint8_t* p, uint64_t v) {
  const uint32_t low = (uint32_t)v;
  if (__builtin_expect(v + INT32_MAX <= UINT32_MAX - 1u, 1)) {
    memcpy(p, &low, 4);
    return p + 4;
  }
  const uint32_t escape = UINT32_C(0x80000000);
  memcpy(p, &escape, 4);
  memcpy(p + 4, &v, 8);
  return p + 12;
}

/* Each reads a number that must end by `end`; NULL where it does not. */
static inline const uint8_t* trace_get_small(
    const uint8_t* p, const uint8_t* end, uint32_t* v) {
  if (__builtin_expect(p == end, 0)) return NULL;
  *v = *p;
  if (__builtin_expect(*p < 0xff, 1)) return p + 1;
  if (end - p < 5) return NULL;
  memcpy(v, p + 1, 4);
  return p + 5;
}

static inline const uint8_t* trace_get_medium(
    const uint8_t* p, const uint8_t* end, uint32_t* v) {
  if (__builtin_expect(end - p < 2, 0)) return NULL;
  uint16_t low;
  memcpy(&low, p, 2);
  *v = low;
  if (__builtin_expect(low < 0xffff, 1)) return p + 2;
  if (end - p < 6) return NULL;
  memcpy(v, p + 2, 4);
  return p + 6;
}

static inline const uint8_t* trace_get_difference(
    const uint8_t* p, const uint8_t* end, uint64_t* v) {
  if (__builtin_expect(end - p < 4, 0)) return NULL;
  int32_t low;
  memcpy(&low, p, 4);
  *v = (uint64_t)(int64_t)low;
  if (__builtin_expect(low != INT32_MIN, 1)) return p + 4;
  if (end - p < 12) return NULL;
  memcpy(v, p + 4, 8);
  return p + 12;
}

/* ---- what differences are taken from ---------------------------------------
 * One number for each U64 and IDS field of the table: the last value the lane
 * held there. All zero at the start of a chunk. */
#define TRACE_SLOT_U8(id)
#define TRACE_SLOT_U32(id)
#define TRACE_SLOT_U64(id) uint64_t id;
#define TRACE_SLOT_NS(id)
#define TRACE_SLOT_STR(id)
#define TRACE_SLOT_STACK(id)
#define TRACE_SLOT_TEXT(id)
#define TRACE_SLOT_IDS(id) uint64_t id;
#define TRACE_SLOT_ARRAYS(id)
typedef struct trace_deltas {
#define FIELD(type, id, text) TRACE_SLOT_##type(id)
#define EVENT(number, id, name, text, ...) \
  struct {                                 \
    __VA_ARGS__                            \
  } id;
#include "events.def"
#undef EVENT
#undef FIELD
} trace_deltas;

#endif
