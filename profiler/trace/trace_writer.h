/* The inside of a writer. Who owns what:
 *
 *   writer   one a file; its memory is never given back, since a thread may
 *            still hold it when it is closed
 *   thread   what a writer keeps for a thread; reused when that thread exits
 *   lane     what is written in order; owned by its thread alone
 *   chunk    mapped by the lane that fills it
 *
 * Invariants:
 *   lane.cursor - payload of its chunk = `used` of its chunk, between events
 *   lane.cursor ≤ lane.limit = end of its chunk
 *   thread.depth = number of writes under way on the thread: each level of
 *   signal handlers has lanes of its own
 *
 * Nothing here calls malloc, waits, or changes errno.
 */
#ifndef TRACE_WRITER_H
#define TRACE_WRITER_H

#include <stdatomic.h>

#include "trace_file.h"
#include "trace_format.h"
#include "trace_intern.h"

#define TRACE_WRITERS 8u /* open at the same time in a process */
#define TRACE_DEPTHS 3u  /* a write, a handler in it, a handler in that */
#define TRACE_LANES (TRACE_DEPTHS * 2)

typedef struct trace_lane {
  uint8_t* cursor;
  uint8_t* limit;
  trace_chunk_header* chunk; /* NULL: none */
  uint64_t time;             /* of the last event */
  uint64_t events;           /* written, in all chunks */
  uint64_t sequence;         /* of the next chunk */
  uint64_t first_time;
  uint64_t offset; /* of the chunk in the file */
  uint32_t size;   /* of the chunk */
  uint32_t slot;   /* of the chunk in the ring */
  trace_deltas deltas;
} trace_lane;

typedef struct trace_writer_thread {
  _Atomic uint32_t depth;
  _Atomic uint32_t taken; /* 0: its thread has exited */
  uint32_t origin;
  trace_writer* writer;
  struct trace_writer_thread* next; /* of the writer; never changes */
  trace_lane lanes[TRACE_LANES]; /* events at even, definitions at odd places */
} trace_writer_thread;

/* A place in the file that a ring uses again and again. */
typedef struct trace_ring_slot {
  _Atomic uint64_t state; /* TRACE_SLOT_… or the order of closing */
  uint64_t offset;
  uint32_t size;
} trace_ring_slot;
enum { TRACE_SLOT_UNUSED = 0, TRACE_SLOT_OPEN = 1, TRACE_SLOT_CLOSED = 2 };

enum { TRACE_WRITER_GONE = 0, TRACE_WRITER_LIVE = 1, TRACE_WRITER_CLOSED = 2 };

struct trace_writer {
  /* The first page is wiped in a child of fork(), where that is possible, so
   * that a child that nobody told still leaves the file alone. */
  _Atomic uint32_t state;
  uint8_t wiped[TRACE_PAGE - sizeof(uint32_t)];

  uint32_t slot;   /* in the table of each thread */
  uint32_t serial; /* never the same twice in a process */
  trace_file file;
  bool barrier; /* membarrier works */
  uint32_t chunk_bytes;
  uint32_t ring_slots;       /* 0: keep all */
  uint32_t ring_room;        /* entries in `ring` */
  trace_file_header* header; /* mapped */
  trace_ring_slot* ring;
  _Atomic(trace_writer_thread*) threads;
  _Atomic uint32_t ring_count;
  _Atomic uint32_t stopped; /* no more space can be had */
  _Atomic uint64_t ring_order;
  _Atomic uint64_t end;      /* of the space handed out */
  _Atomic uint64_t reserved; /* all before it is backed by the disk */
  _Atomic uint64_t hole;     /* before `end`, in no chunk: trace_chunk.c */
  _Atomic uint64_t definition_time;
  trace_intern strings, stacks, locations;
};

/* The calling thread's state for each open writer, with the serial of the
 * writer it belongs to. */
typedef struct trace_attachment {
  uint32_t serial;
  trace_writer_thread* thread;
} trace_attachment;
extern __thread trace_attachment trace_attachments[TRACE_WRITERS]
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The calling thread's state for the writer it wrote to first or found last;
 * NULL when it has none. */
extern __thread trace_writer_thread* trace_writer_recent
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The thread's state, made on first use; NULL where there is no memory. */
trace_writer_thread* trace_writer_attach(trace_writer* w);

/* Gives the lane a chunk with room for `need` bytes, for an event at `time`.
 * False where there is none. */
bool trace_chunk_next(
    trace_writer* w,
    trace_writer_thread* t,
    unsigned lane,
    size_t need,
    uint64_t time);

/* The lane lets go of its chunk; `trim` gives unused space back. */
void trace_chunk_release(trace_writer* w, trace_lane* lane, bool trim);

/* Makes [offset, offset + size) part of the file and backs it with disk space,
 * so that no access to a mapping of it can fail. */
bool trace_chunk_reserve(int fd, uint64_t offset, uint64_t size);

/* Writes zeros there, which is free space: their pages are in memory then. */
bool trace_chunk_fill(int fd, uint64_t offset, uint64_t size);

/* Times for definitions: each later than any before, in all threads, so that
 * what refers to a definition is never older than it. */
uint64_t trace_writer_definition_time(trace_writer* w);

void trace_writer_count_lost(trace_writer* w);

#endif
