/* Threads' lanes merged by time, definitions first. */
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "trace_decode.h"
#include "trace_scan.h"

/* A lane being read. Loaded: the head of an event has been taken apart and its
 * fields lie at `fields`. Not loaded: `time` is that of the chunk to come. */
typedef struct trace_source {
  trace_chunk_place* next; /* chunk to load */
  trace_chunk_place* last; /* one past the lane's */
  bool loaded;
  bool gap;
  trace_gap missing;
  uint8_t* payload;
  size_t room;
  const uint8_t* p; /* the next event */
  const uint8_t* end;
  const uint8_t* fields;
  uint16_t kind;
  uint32_t origin;
  uint64_t time;
  uint64_t events; /* of the lane so far, those missing included */
  uint64_t offset; /* of the payload in the file */
  bool packed;
  trace_deltas deltas;
} trace_source;

struct trace_reader {
  trace_scan scan;
  trace_source* sources;
  size_t n_sources;
  size_t n_definitions; /* the first so many are definitions */
  trace_source** heap;  /* ordered by time, then place in `sources` */
  size_t n_heap;
  bool events;           /* the definitions are through */
  trace_source* current; /* what the last event came from */
  uint8_t* scratch;
  size_t scratch_room;
  uint8_t* frame; /* a chunk before it is unpacked */
  size_t frame_room;
  ZSTD_DCtx* zstd;
  uint64_t done;
};

/* ---- chunks ----------------------------------------------------------------
 */

static bool trace_reader_room(uint8_t** bytes, size_t* room, size_t need) {
  if (*room >= need) return true;
  uint8_t* grown = realloc(*bytes, need);
  if (!grown) return false;
  *bytes = grown;
  *room = need;
  return true;
}

/* True where a ring that is still written has used the chunk again. */
static bool trace_reader_overtaken(
    trace_reader* r, const trace_chunk_place* c) {
  if (r->scan.header.finished || !(r->scan.header.flags & TRACE_FLAG_RING))
    return false;
  trace_chunk_header now;
  return trace_scan_read(&r->scan, &now, sizeof now, c->offset) < sizeof now ||
         now.check != c->header.check || now.used < c->header.used;
}

/* The payload of a chunk into s->payload; false where there is none, with the
 * damage noted. */
static bool trace_reader_payload(
    trace_reader* r, trace_source* s, const trace_chunk_place* c) {
  const trace_chunk_header* h = &c->header;
  const uint64_t offset = c->offset + sizeof *h;
  if (!trace_reader_room(&s->payload, &s->room, h->used)) {
    trace_scan_damage(&r->scan, offset, "out of memory for a chunk");
    return false;
  }
  if (!h->packed) {
    if (trace_scan_read(&r->scan, s->payload, h->used, offset) < h->used) {
      trace_scan_damage(&r->scan, offset, "cannot be read");
      return false;
    }
    return !trace_reader_overtaken(r, c);
  } else {
    if (!r->zstd) r->zstd = ZSTD_createDCtx();
    if (!r->zstd || !trace_reader_room(&r->frame, &r->frame_room, h->packed)) {
      trace_scan_damage(&r->scan, offset, "out of memory for a chunk");
      return false;
    }
    if (trace_scan_read(&r->scan, r->frame, h->packed, offset) < h->packed) {
      trace_scan_damage(&r->scan, offset, "cannot be read");
      return false;
    }
    size_t n =
        ZSTD_decompressDCtx(r->zstd, s->payload, h->used, r->frame, h->packed);
    if (n != h->used) {
      trace_scan_damage(
          &r->scan,
          offset,
          "cannot be unpacked: %s",
          ZSTD_isError(n) ? ZSTD_getErrorName(n) : "another size than stated");
      return false;
    }
  }
  return true;
}

/* What lies between the events seen so far and the chunk's first. Only rings
 * overwrite, and only events. */
static void trace_reader_note_gap(
    trace_reader* r, trace_source* s, const trace_chunk_place* c) {
  const trace_chunk_header* h = &c->header;
  if (h->events_before > s->events) {
    const uint64_t events = h->events_before - s->events;
    s->gap = r->events;
    s->missing = (trace_gap){
        .begin_ns = s->events ? s->time : h->first_time,
        .end_ns = h->base_time,
        .events = events};
    if (!r->events || !(r->scan.header.flags & TRACE_FLAG_RING))
      trace_scan_damage(
          &r->scan,
          c->offset,
          "%llu events of thread %u are missing before this chunk",
          (unsigned long long)events,
          s->origin);
  }
  s->events = h->events_before;
}

/* Moves on to the next chunk with events in it, without reading it yet. */
static bool trace_reader_next_chunk(trace_source* s) {
  s->loaded = false;
  while (s->next < s->last && s->next->header.used == 0) s->next++;
  return s->next < s->last;
}

static void trace_reader_damage_event(
    trace_reader* r, trace_source* s, const char* what) {
  trace_scan_damage(
      &r->scan,
      s->offset + (s->packed ? 0 : (uint64_t)(s->p - s->payload)),
      "%s; the rest of this chunk of thread %u is left out",
      what,
      s->origin);
  r->done += (uint64_t)(s->end - s->p);
}

/* Takes the head of the event at s->p apart. False at the end of the chunk, or
 * where it makes no sense. */
static bool trace_reader_head(trace_reader* r, trace_source* s) {
  if (s->p == s->end) return false;
  uint32_t kind, length;
  uint64_t difference;
  const uint8_t* p = trace_get_small(s->p, s->end, &kind);
  if (p) p = trace_get_small(p, s->end, &length);
  if (!p || kind == 0 || kind > UINT16_MAX || length > (size_t)(s->end - p)) {
    trace_reader_damage_event(r, s, "damaged event");
    return false;
  }
  const uint8_t* end = p + length;
  p = trace_get_difference(p, end, &difference);
  if (!p) {
    trace_reader_damage_event(r, s, "event without a time");
    return false;
  }
  r->done += (uint64_t)(end - s->p);
  s->kind = (uint16_t)kind;
  s->time += difference;
  s->fields = p;
  s->p = end;
  return true;
}

/* Reads the source's next chunk. */
static bool trace_reader_load(trace_reader* r, trace_source* s) {
  const trace_chunk_place* c = s->next++;
  s->offset = c->offset + sizeof c->header;
  s->packed = c->header.packed != 0;
  s->origin = c->header.origin;
  trace_reader_note_gap(r, s, c);
  if (!trace_reader_payload(r, s, c)) {
    r->done += c->header.used;
    return false;
  }
  s->p = s->payload;
  s->end = s->payload + c->header.used;
  s->time = c->header.base_time;
  memset(&s->deltas, 0, sizeof s->deltas);
  return s->loaded = trace_reader_head(r, s);
}

/* ---- merging ---------------------------------------------------------------
 */

static uint64_t trace_reader_key(const trace_source* s) {
  return s->loaded ? s->time : s->next->header.base_time;
}

static bool trace_reader_before(const trace_source* a, const trace_source* b) {
  uint64_t x = trace_reader_key(a), y = trace_reader_key(b);
  return x != y ? x < y : a < b;
}

static void trace_reader_sift(trace_reader* r, size_t at) {
  trace_source* s = r->heap[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= r->n_heap) break;
    if (child + 1 < r->n_heap &&
        trace_reader_before(r->heap[child + 1], r->heap[child]))
      child++;
    if (!trace_reader_before(r->heap[child], s)) break;
    r->heap[at] = r->heap[child];
    at = child;
  }
  r->heap[at] = s;
}

/* The first source has moved on, or has ended. */
static void trace_reader_settle(trace_reader* r) {
  trace_source* s = r->heap[0];
  if (!s->loaded && !trace_reader_next_chunk(s)) {
    free(s->payload);
    s->payload = NULL;
    s->room = 0;
    r->heap[0] = r->heap[--r->n_heap];
  }
  if (r->n_heap) trace_reader_sift(r, 0);
}

static void trace_reader_fill(trace_reader* r, size_t first, size_t last) {
  r->n_heap = 0;
  for (size_t i = first; i < last; i++)
    if (trace_reader_next_chunk(&r->sources[i]))
      r->heap[r->n_heap++] = &r->sources[i];
  for (size_t i = r->n_heap / 2; i-- > 0;) trace_reader_sift(r, i);
}

static bool trace_reader_same_lane(
    const trace_chunk_header* a, const trace_chunk_header* b) {
  return a->kind == b->kind && a->origin == b->origin && a->depth == b->depth;
}

static bool trace_reader_make_sources(trace_reader* r) {
  size_t n = r->scan.n_chunks;
  trace_chunk_place* chunks = r->scan.chunks;
  for (size_t i = 0; i < n; i++)
    if (!i || !trace_reader_same_lane(&chunks[i - 1].header, &chunks[i].header))
      r->n_sources++;
  r->sources = calloc(r->n_sources + 1, sizeof *r->sources);
  r->heap = calloc(r->n_sources + 1, sizeof(trace_source*));
  if (!r->sources || !r->heap) return false;
  trace_source* s = r->sources - 1;
  for (size_t i = 0; i < n; i++) {
    if (!i ||
        !trace_reader_same_lane(&chunks[i - 1].header, &chunks[i].header)) {
      s++;
      s->next = &chunks[i];
      s->origin = chunks[i].header.origin;
      if (chunks[i].header.kind == TRACE_CHUNK_DEFINITIONS) r->n_definitions++;
    }
    s->last = &chunks[i + 1];
  }
  trace_reader_fill(r, 0, r->n_definitions);
  return true;
}

/* ---- the interface ---------------------------------------------------------
 */

trace_reader* trace_reader_open(
    const char* path, char* error, size_t error_size) {
  trace_reader* r = calloc(1, sizeof *r);
  if (!r) {
    snprintf(error, error_size, "%s: out of memory", path);
    return NULL;
  }
  if (trace_scan_open(&r->scan, path, error, error_size) != 0) {
    free(r);
    return NULL;
  }
  if (!trace_reader_make_sources(r)) {
    snprintf(error, error_size, "%s: out of memory", path);
    trace_reader_close(r);
    return NULL;
  }
  return r;
}

void trace_reader_close(trace_reader* r) {
  if (!r) return;
  for (size_t i = 0; r->sources && i < r->n_sources; i++)
    free(r->sources[i].payload);
  free(r->sources);
  free(r->heap);
  free(r->scratch);
  free(r->frame);
  ZSTD_freeDCtx(r->zstd);
  trace_scan_close(&r->scan);
  free(r);
}

/* The fields of the event whose head the source stands at. */
static bool trace_reader_fields(
    trace_reader* r, trace_source* s, trace_event* event) {
  event->kind = s->kind;
  event->origin = s->origin;
  event->time = s->time;
  const size_t length = (size_t)(s->p - s->fields);
  if (!trace_event_find(s->kind)) return true;
  if (!trace_reader_room(
          &r->scratch, &r->scratch_room, TRACE_DECODE_SCRATCH(length))) {
    trace_reader_damage_event(r, s, "out of memory for an event");
    return false;
  }
  trace_decoder d = {s->fields, s->p, s->time, r->scratch};
  if (trace_decode(&d, &s->deltas, event)) return true;
  trace_reader_damage_event(r, s, "damaged event");
  return false;
}

int trace_reader_next(trace_reader* r, trace_event* event) {
  if (r->current) {
    r->current->loaded = trace_reader_head(r, r->current);
    r->current = NULL;
    trace_reader_settle(r);
  }
  for (;;) {
    if (!r->n_heap) {
      if (r->events) return r->scan.damaged ? -1 : 0;
      r->events = true;
      trace_reader_fill(r, r->n_definitions, r->n_sources);
      continue;
    }
    trace_source* s = r->heap[0];
    if (!s->loaded) {
      trace_reader_load(r, s);
      trace_reader_settle(r);
      continue;
    }
    if (s->gap) {
      s->gap = false;
      event->kind = TRACE_EVENT_gap;
      event->origin = s->origin;
      event->time = s->missing.end_ns;
      event->gap = s->missing;
      trace_reader_sift(r, 0);
      return 1;
    }
    if (trace_reader_fields(r, s, event)) {
      s->events++;
      r->current = s;
      return 1;
    }
    s->loaded = false;
    trace_reader_settle(r);
  }
}

const char* trace_reader_error(const trace_reader* r) {
  return r->scan.damaged ? r->scan.error : NULL;
}

void trace_reader_info(const trace_reader* r, trace_info* info) {
  const trace_scan* s = &r->scan;
  *info = (trace_info){
      .version = s->header.version,
      .threads = s->threads,
      .file_bytes = s->file_bytes,
      .packed = s->header.flags & TRACE_FLAG_PACKED,
      .finished = s->header.finished != 0,
      .truncated = s->damaged || s->header.lost != 0,
      .lost = s->header.lost,
      .start_ns = s->header.start_ns,
      .realtime_ns = s->header.realtime_ns,
      .ring = s->header.flags & TRACE_FLAG_RING,
  };
}

double trace_reader_progress(const trace_reader* r) {
  if (r->scan.used == 0) return 1;
  double part = (double)r->done / (double)r->scan.used;
  return part > 1 ? 1 : part;
}
