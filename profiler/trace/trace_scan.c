#include "trace_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRACE_SCAN_WINDOW 4096u

void trace_scan_damage(
    trace_scan* s, uint64_t offset, const char* format, ...) {
  if (s->damaged) return;
  s->damaged = true;
  int n = snprintf(
      s->error,
      sizeof s->error,
      "%s: offset %llu: ",
      s->path,
      (unsigned long long)offset);
  if (n < 0 || (size_t)n >= sizeof s->error) return;
  va_list args;
  va_start(args, format);
  vsnprintf(s->error + n, sizeof s->error - (size_t)n, format, args);
  va_end(args);
}

size_t trace_scan_read(
    trace_scan* s, void* bytes, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = pread(
        s->fd, (uint8_t*)bytes + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += (size_t)n;
  }
  return done;
}

/* What is wrong with the file's header, or NULL. */
static const char* trace_scan_header(trace_scan* s, char* text, size_t size) {
  trace_file_header* h = &s->header;
  size_t n = trace_scan_read(s, h, sizeof *h, 0);
  if (n == 0) return "empty file, not a trace";
  static const uint8_t magic[8] = TRACE_MAGIC;
  if (memcmp(h->magic, magic, n < sizeof magic ? n : sizeof magic) != 0)
    return "not a Lazuli trace";
  if (n < sizeof *h) {
    snprintf(text, size, "cut off at offset %zu, in the header", n);
    return text;
  }
  if (h->version != TRACE_VERSION) {
    snprintf(
        text,
        size,
        "trace format %u; this program reads format %u",
        h->version,
        TRACE_VERSION);
    return text;
  }
  if (h->check != trace_file_check(h) || h->header_bytes < sizeof *h ||
      h->align < sizeof(trace_chunk_header) || (h->align & (h->align - 1)) ||
      h->align > TRACE_PAGE || h->header_bytes % h->align)
    return "offset 0: damaged header";
  return NULL;
}

/* A view of the file that moves along with the scan. */
typedef struct trace_scan_view {
  uint8_t bytes[TRACE_SCAN_WINDOW];
  uint64_t offset;
  size_t size;
} trace_scan_view;

static const uint8_t* trace_scan_look(
    trace_scan* s, trace_scan_view* view, uint64_t offset, size_t size) {
  if (offset < view->offset || offset + size > view->offset + view->size) {
    view->offset = offset;
    view->size = trace_scan_read(s, view->bytes, sizeof view->bytes, offset);
    if (view->size < size) return NULL;
  }
  return view->bytes + (offset - view->offset);
}

/* A header whose every number may be relied on. */
static bool trace_scan_valid(
    const trace_scan* s, const trace_chunk_header* c, uint64_t offset) {
  const bool packed = s->header.flags & TRACE_FLAG_PACKED;
  return c->magic == TRACE_CHUNK_MAGIC &&
         c->check == trace_chunk_check(c, offset) && c->size >= sizeof *c &&
         c->size <= TRACE_CHUNK_MAX && c->size % s->header.align == 0 &&
         (packed ? c->packed > 0 && c->packed <= c->size - sizeof *c
                 : c->packed == 0) &&
         c->used <= (packed ? TRACE_CHUNK_MAX : c->size - sizeof *c) &&
         (c->kind == TRACE_CHUNK_EVENTS || c->kind == TRACE_CHUNK_DEFINITIONS);
}

static bool trace_scan_add(
    trace_scan* s, uint64_t offset, const trace_chunk_header* c) {
  if (s->n_chunks == s->room) {
    size_t more = s->room ? 2 * s->room : 64;
    trace_chunk_place* grown = realloc(s->chunks, more * sizeof *s->chunks);
    if (!grown) return false;
    s->chunks = grown;
    s->room = more;
  }
  trace_chunk_place* place = &s->chunks[s->n_chunks++];
  place->offset = offset;
  place->header = *c;
  if (c->origin < UINT32_MAX && c->origin >= s->threads)
    s->threads = c->origin + 1;
  return true;
}

/* Cuts `used` to the bytes there are. */
static void trace_scan_cut(
    trace_scan* s, uint64_t offset, trace_chunk_header* c) {
  uint64_t payload = offset + sizeof *c;
  uint64_t stored = c->packed ? c->packed : c->used;
  if (stored <= s->file_bytes - payload) return;
  trace_scan_damage(
      s,
      s->file_bytes,
      "cut off; a chunk of thread %u goes on to %llu",
      c->origin,
      (unsigned long long)(payload + stored));
  c->used = c->packed ? 0 : s->file_bytes - payload;
}

/* Past an offset where no chunk is: the next place where one may be. */
static uint64_t trace_scan_skip(trace_scan* s, uint64_t offset) {
  uint64_t align = s->header.align;
  off_t data = lseek(s->fd, (off_t)offset, SEEK_DATA);
  if (data < 0 && errno == ENXIO) return s->file_bytes;
  if (data < 0 || (uint64_t)data < offset + align) return offset + align;
  return (uint64_t)data / align * align;
}

/* Adds the file's chunks, of these kinds, to the list; false where memory ran
 * out. */
static bool trace_scan_chunks(trace_scan* s, unsigned kinds) {
  trace_scan_view* view = malloc(sizeof *view);
  if (!view) return false;
  view->offset = view->size = 0;
  bool ok = true;
  const size_t size = sizeof(trace_chunk_header);
  uint64_t offset = s->header.header_bytes;
  while (ok && offset < s->file_bytes) {
    const uint8_t* bytes = trace_scan_look(s, view, offset, size);
    if (!bytes) {
      if (s->file_bytes - offset < size)
        trace_scan_damage(s, s->file_bytes, "cut off in the head of a chunk");
      else
        trace_scan_damage(s, offset, "cannot be read");
      break;
    }
    trace_chunk_header c;
    memcpy(&c, bytes, sizeof c);
    if (trace_scan_valid(s, &c, offset)) {
      trace_scan_cut(s, offset, &c);
      ok = !(kinds & c.kind) || trace_scan_add(s, offset, &c);
      offset += c.size;
    } else if (
        c.magic == TRACE_CHUNK_MAGIC && c.used == 0 &&
        (s->header.flags & TRACE_FLAG_RING)) {
      /* It was about to be used again when the process ended. */
      uint64_t align = s->header.align;
      uint64_t step = s->header.chunk_bytes / align * align;
      offset += step ? step : align;
    } else {
      /* Without a magic it is space that is not used, or not yet. */
      if (c.magic != 0)
        trace_scan_damage(s, offset, "no chunk where one should begin");
      offset = trace_scan_skip(s, offset);
    }
  }
  free(view);
  if (s->file_bytes < s->header.finished)
    trace_scan_damage(
        s,
        s->file_bytes,
        "cut off; the file was closed with %llu bytes",
        (unsigned long long)s->header.finished);
  return ok;
}

static void trace_scan_size(trace_scan* s) {
  struct stat st;
  if (fstat(s->fd, &st) == 0) s->file_bytes = (uint64_t)st.st_size;
}

/* Reads how far the chunks of a kind have come. A chunk is complete before the
 * next one of its lane is there. */
static void trace_scan_refresh(trace_scan* s, unsigned kind) {
  for (size_t i = 0; i < s->n_chunks; i++) {
    trace_chunk_place* place = &s->chunks[i];
    trace_chunk_header now;
    if (place->header.kind != kind ||
        trace_scan_read(s, &now, sizeof now, place->offset) < sizeof now ||
        now.check != place->header.check ||
        !trace_scan_valid(s, &now, place->offset))
      continue;
    place->header = now;
    trace_scan_cut(s, place->offset, &place->header);
  }
}

static int trace_scan_order(const void* left, const void* right) {
  const trace_chunk_header* a = &((const trace_chunk_place*)left)->header;
  const trace_chunk_header* b = &((const trace_chunk_place*)right)->header;
  if (a->kind != b->kind) return a->kind > b->kind ? -1 : 1;
  if (a->origin != b->origin) return a->origin < b->origin ? -1 : 1;
  if (a->depth != b->depth) return a->depth < b->depth ? -1 : 1;
  if (a->sequence != b->sequence) return a->sequence < b->sequence ? -1 : 1;
  return 0;
}

/* The last chunk of c's lane in a sorted list, or NULL. */
static const trace_chunk_place* trace_scan_last(
    const trace_chunk_place* list, size_t n, const trace_chunk_place* c) {
  trace_chunk_place end = *c;
  end.header.sequence = UINT64_MAX;
  size_t low = 0;
  while (n > low) {
    size_t middle = low + (n - low) / 2;
    if (trace_scan_order(&list[middle], &end) <= 0)
      low = middle + 1;
    else
      n = middle;
  }
  if (low == 0) return NULL;
  const trace_chunk_header* h = &list[low - 1].header;
  return h->kind == c->header.kind && h->origin == c->header.origin &&
                 h->depth == c->header.depth
             ? &list[low - 1]
             : NULL;
}

/* Adds chunks of a kind so that no lane has a hole, though threads may be
 * adding chunks meanwhile: what a first walk finds tells how far the lanes had
 * come before a second one, which then passes all places. */
static bool trace_scan_settled(trace_scan* s, unsigned kind) {
  trace_scan first = *s;
  first.chunks = NULL;
  first.n_chunks = first.room = 0;
  const size_t from = s->n_chunks;
  trace_scan_size(&first);
  bool ok = trace_scan_chunks(&first, kind);
  if (first.n_chunks)
    qsort(first.chunks, first.n_chunks, sizeof *first.chunks, trace_scan_order);
  trace_scan_size(s);
  ok = ok && trace_scan_chunks(s, kind);
  size_t kept = from;
  for (size_t i = from; ok && i < s->n_chunks; i++) {
    const trace_chunk_place* last =
        trace_scan_last(first.chunks, first.n_chunks, &s->chunks[i]);
    if (last && s->chunks[i].header.sequence <= last->header.sequence)
      s->chunks[kept++] = s->chunks[i];
  }
  s->n_chunks = kept;
  free(first.chunks);
  trace_scan_refresh(s, kind);
  return ok;
}

int trace_scan_open(
    trace_scan* s, const char* path, char* error, size_t error_size) {
  memset(s, 0, sizeof *s);
  char text[128];
  const char* wrong = NULL;
  s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  s->path = strdup(path);
  struct stat st;
  if (s->fd < 0 || fstat(s->fd, &st) != 0)
    wrong = strerror(errno);
  else if (!s->path)
    wrong = "out of memory";
  else if (S_ISDIR(st.st_mode))
    wrong = "a directory, not a trace";
  else if (!S_ISREG(st.st_mode))
    wrong = "not a regular file";
  if (!wrong) {
    s->file_bytes = (uint64_t)st.st_size;
    wrong = trace_scan_header(s, text, sizeof text);
  }
  /* What events refer to was defined before them: so definitions come last. */
  if (!wrong &&
      (s->header.finished
           ? !trace_scan_chunks(s, TRACE_CHUNK_EVENTS | TRACE_CHUNK_DEFINITIONS)
           : !trace_scan_settled(s, TRACE_CHUNK_EVENTS) ||
                 !trace_scan_settled(s, TRACE_CHUNK_DEFINITIONS)))
    wrong = "out of memory";
  if (wrong) {
    snprintf(error, error_size, "%s: %s", path, wrong);
    trace_scan_close(s);
    return 1;
  }
  if (s->n_chunks)
    qsort(s->chunks, s->n_chunks, sizeof *s->chunks, trace_scan_order);
  for (size_t i = 0; i < s->n_chunks; i++) s->used += s->chunks[i].header.used;
  return 0;
}

void trace_scan_close(trace_scan* s) {
  if (s->fd >= 0) close(s->fd);
  free(s->path);
  free(s->chunks);
  memset(s, 0, sizeof *s);
  s->fd = -1;
}
