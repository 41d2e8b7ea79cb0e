/* The bytes of a trace file; traces/FORMAT.md says the same in words.
 *
 *   file    = header, chunk*            chunks start at multiples of `align`
 *   chunk   = chunk header, payload     payload: `used` bytes, then nothing
 *   payload = event*                    of one lane of one thread
 *   event   = kind, length, time, fields
 *
 * A lane is what is written in order: a thread has one for events and one for
 * definitions, and as many again for each signal handler that interrupts it
 * while it writes. Numbers are little-endian; variable-length ones carry their
 * length in the low bits of their first byte (trace_varint_put).
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
enum { TRACE_CHUNK_EVENTS = 1, TRACE_CHUNK_DEFINITIONS = 2 };

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

/* ---- variable-length numbers ---------------------------------------------
 * n bytes, 1…8, hold 7n bits: n-1 zero bits, a one bit, the value; a first
 * byte of 0 is followed by all 64 bits. Both directions touch whole words, so
 * buffers carry TRACE_SLACK bytes past their last number. */

#define TRACE_SLACK 16u
#define TRACE_VARINT_MAX 9u
#define TRACE_VARINT_32 5u

static inline uint64_t trace_zigzag(uint64_t difference) {
  return (difference << 1) ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t trace_unzigzag(uint64_t v) {
  return (v >> 1) ^ (~(v & 1) + 1);
}

static inline uint8_t* trace_varint_put(uint8_t* p, uint64_t v) {
  if (__builtin_expect(v < (UINT64_C(1) << 56), 1)) {
    unsigned bits = 64u - (unsigned)__builtin_clzll(v | 1);
    unsigned n = (bits + 6) / 7;
    uint64_t word = ((v << 1) | 1) << (n - 1);
    memcpy(p, &word, 8);
    return p + n;
  }
  *p = 0;
  memcpy(p + 1, &v, 8);
  return p + 9;
}

/* Reads a number that must end by `end`; NULL where it does not. */
static inline const uint8_t* trace_varint_get(
    const uint8_t* p, const uint8_t* end, uint64_t* v) {
  uint64_t word;
  memcpy(&word, p, 8);
  if (__builtin_expect((word & 0xff) != 0, 1)) {
    unsigned n = (unsigned)__builtin_ctzll(word) + 1;
    if (n > (size_t)(end - p)) return NULL;
    *v = (word << (64 - 8 * n)) >> (64 - 7 * n);
    return p + n;
  }
  if (end - p < 9) return NULL;
  memcpy(v, p + 1, 8);
  return p + 9;
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
