/* Space in the file: reserved, mapped, filled, given back. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "trace_writer.h"

#define TRACE_CHUNK_FIRST (16u << 10)
#define TRACE_CHUNK_TRIM (64u << 10) /* less is not worth the call */

static uint64_t trace_chunk_round(uint64_t bytes) {
  return (bytes + TRACE_PAGE - 1) / TRACE_PAGE * TRACE_PAGE;
}

/* Not through the C library: there these are points where a thread may be
 * cancelled, which what the program called here is not. */
static int trace_chunk_fallocate(
    int fd, int mode, uint64_t offset, uint64_t size) {
  long failed;
  do {
    failed = syscall(SYS_fallocate, fd, mode, (off_t)offset, (off_t)size);
  } while (failed && errno == EINTR);
  return failed != 0;
}

/* One call for as much as can be: the kernel then takes its memory in pieces as
 * large as the place in the file allows, not page by page. */
#define TRACE_CHUNK_PIECES 16u
bool trace_chunk_fill(int fd, uint64_t offset, uint64_t size) {
  static const uint8_t zeros[16 * TRACE_PAGE];
  for (uint64_t at = 0; at < size;) {
    struct iovec pieces[TRACE_CHUNK_PIECES];
    unsigned count = 0;
    for (uint64_t to = at; to < size && count < TRACE_CHUNK_PIECES; count++) {
      const uint64_t left = size - to;
      pieces[count].iov_base = (void*)zeros;
      pieces[count].iov_len = left < sizeof zeros ? left : sizeof zeros;
      to += pieces[count].iov_len;
    }
    long written =
        syscall(SYS_pwritev, fd, pieces, count, (long)(offset + at), 0L);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += (uint64_t)written;
  }
  return true;
}

bool trace_chunk_reserve(int fd, uint64_t offset, uint64_t size) {
  /* Beyond this limit the kernel would send SIGXFSZ. */
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      offset + size > limit.rlim_cur)
    return false;
  if (!trace_chunk_fallocate(fd, 0, offset, size)) return true;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return false;
  /* No fallocate here: writing makes the space as well. */
  return trace_chunk_fill(fd, offset, size);
}

/* Space is set aside an eighth of the file ahead, up to so much: a call of
 * fallocate() holds up all threads that write to the file. */
#define TRACE_CHUNK_AHEAD (16u << 20)

/* A piece of the file that was left out when a chunk was aligned: first page
 * and number of pages in one word, so that one exchange takes or gives it. */
static uint64_t trace_chunk_hole(uint64_t offset, uint64_t size) {
  return offset / TRACE_PAGE << 16 | size / TRACE_PAGE;
}

/* From the hole, where it is large enough. */
static bool trace_chunk_from_hole(
    trace_writer* w, uint32_t size, uint64_t* offset) {
  uint64_t hole = atomic_load(&w->hole);
  uint64_t rest;
  do {
    const uint64_t begin = (hole >> 16) * TRACE_PAGE;
    const uint64_t room = (hole & 0xffff) * TRACE_PAGE;
    if (room < size) return false;
    *offset = begin;
    rest = trace_chunk_hole(begin + size, room - size);
  } while (!atomic_compare_exchange_weak(&w->hole, &hole, rest));
  return true;
}

/* After so many chunks, what one leaves out does not count. */
#define TRACE_CHUNK_ALIGNED 8u

/* New space at the end of the file. In a file that grows large ordinary chunks
 * begin at a multiple of their size: the kernel then keeps one in a single
 * large piece of memory, half the cost of single pages. What that leaves out is
 * for small ones. */
static bool trace_chunk_extend(
    trace_writer* w, uint32_t size, uint64_t* offset) {
  const int fd = trace_file_fd(&w->file);
  if (fd < 0) return false;
  if (size < w->chunk_bytes && trace_chunk_from_hole(w, size, offset))
    return trace_chunk_fill(fd, *offset, size);
  const bool alignable = size == w->chunk_bytes && (size & (size - 1)) == 0;
  uint64_t from = atomic_load(&w->end), to;
  do {
    const bool aligned = alignable && from / TRACE_CHUNK_ALIGNED >= size;
    *offset = aligned ? (from + size - 1) / size * size : from;
    to = *offset + size;
  } while (!atomic_compare_exchange_weak(&w->end, &from, to));
  uint64_t reserved = atomic_load(&w->reserved);
  /* Pages that are in memory are mapped by a light fault; the file system would
   * go to its journal for each of the others: 120 ns and 500 to 15,000. */
  if (to > reserved) {
    uint64_t ahead = trace_chunk_round(from / 8);
    if (ahead > TRACE_CHUNK_AHEAD) ahead = TRACE_CHUNK_AHEAD;
    if (ahead == 0 || !trace_chunk_reserve(fd, from, to - from + ahead)) {
      ahead = 0;
      if (!trace_chunk_reserve(fd, from, to - from)) return false;
    }
    /* All below `reserved` is set aside: it moves on only from where we began,
     * else another thread is still busy with what lies between. */
    while (reserved >= from && reserved < to + ahead &&
           !atomic_compare_exchange_weak(&w->reserved, &reserved, to + ahead)) {
    }
  }
  if (*offset > from && *offset - from < TRACE_CHUNK_MAX)
    atomic_store(&w->hole, trace_chunk_hole(from, *offset - from));
  return trace_chunk_fill(fd, *offset, size);
}

/* A lane begins small, for threads that write little. */
static uint32_t trace_chunk_size(const trace_writer* w, uint64_t sequence) {
  uint64_t size = sequence < 8 ? (uint64_t)TRACE_CHUNK_FIRST << (2 * sequence)
                               : w->chunk_bytes;
  return size < w->chunk_bytes ? (uint32_t)size : w->chunk_bytes;
}

/* The slot closed longest ago, of those of this size; or a new one. */
static bool trace_chunk_from_ring(
    trace_writer* w, uint32_t size, uint32_t* slot, uint64_t* offset) {
  for (;;) {
    uint32_t count = atomic_load(&w->ring_count);
    uint32_t oldest = UINT32_MAX;
    uint64_t order = UINT64_MAX;
    for (uint32_t i = 0; i < count && count >= w->ring_slots; i++) {
      uint64_t state = atomic_load(&w->ring[i].state);
      if (state < TRACE_SLOT_CLOSED || state >= order) continue;
      if (w->ring[i].size != size) continue;
      order = state;
      oldest = i;
    }
    if (oldest != UINT32_MAX) {
      if (!atomic_compare_exchange_strong(
              &w->ring[oldest].state, &order, TRACE_SLOT_OPEN))
        continue;
      *slot = oldest;
      *offset = w->ring[oldest].offset;
      return true;
    }
    if (count == w->ring_room) return false;
    if (!atomic_compare_exchange_strong(&w->ring_count, &count, count + 1))
      continue;
    if (!trace_chunk_extend(w, size, offset)) return false;
    w->ring[count].offset = *offset;
    w->ring[count].size = size;
    atomic_store(&w->ring[count].state, TRACE_SLOT_OPEN);
    *slot = count;
    return true;
  }
}

static void trace_chunk_to_ring(trace_writer* w, uint32_t slot) {
  uint64_t order = TRACE_SLOT_CLOSED + atomic_fetch_add(&w->ring_order, 1);
  atomic_store(&w->ring[slot].state, order);
}

bool trace_chunk_next(
    trace_writer* w,
    trace_writer_thread* t,
    unsigned index,
    size_t need,
    uint64_t time) {
  trace_lane* lane = &t->lanes[index];
  const bool definitions = index & 1;
  uint64_t size =
      trace_chunk_round(sizeof(trace_chunk_header) + (uint64_t)need);
  const bool ring = w->ring_slots && !definitions;
  const bool ordinary = size <= w->chunk_bytes;
  const uint32_t least =
      ring ? w->chunk_bytes : trace_chunk_size(w, lane->sequence);
  if (size < least) size = least;
  if (size > TRACE_CHUNK_MAX) return false;
  if (atomic_load_explicit(&w->stopped, memory_order_relaxed)) return false;

  const int saved = errno;
  uint32_t slot = UINT32_MAX;
  uint64_t offset;
  bool found = ring ? trace_chunk_from_ring(w, (uint32_t)size, &slot, &offset)
                    : trace_chunk_extend(w, (uint32_t)size, &offset);
  void* mapped = MAP_FAILED;
  const int fd = found ? trace_file_fd(&w->file) : -1;
  if (fd >= 0)
    mapped =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
  if (mapped == MAP_FAILED) {
    if (found && slot != UINT32_MAX) trace_chunk_to_ring(w, slot);
    /* The lane keeps its chunk: smaller events may still fit. */
    if (ordinary) atomic_store(&w->stopped, 1);
    errno = saved;
    return false;
  }
  trace_chunk_release(w, lane, false);

  trace_chunk_header* c = mapped;
  _Atomic uint64_t* used = (_Atomic uint64_t*)&c->used;
  atomic_store_explicit(used, 0, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  if (lane->sequence == 0) lane->first_time = time;
  trace_chunk_header header = {
      .magic = c->magic,
      .size = (uint32_t)size,
      .origin = t->origin,
      .depth = (uint16_t)(index / 2),
      .kind = definitions ? TRACE_CHUNK_DEFINITIONS : TRACE_CHUNK_EVENTS,
      .sequence = lane->sequence++,
      .base_time = time,
      .first_time = lane->first_time,
      .events_before = lane->events,
  };
  header.check = trace_chunk_check(&header, offset);
  *c = header;
  /* Last, for those who read while we write: without it this is unused space,
   * or, in a ring, a chunk about to be used again. */
  atomic_store_explicit(
      (_Atomic uint32_t*)&c->magic, TRACE_CHUNK_MAGIC, memory_order_release);

  lane->offset = offset;
  lane->size = (uint32_t)size;
  lane->slot = slot;
  lane->time = time;
  memset(&lane->deltas, 0, sizeof lane->deltas);
  lane->cursor = (uint8_t*)(c + 1);
  lane->limit = (uint8_t*)c + size;
  /* Last: a child of fork() may find this thread's state as it is now. */
  atomic_signal_fence(memory_order_seq_cst);
  lane->chunk = c;
  errno = saved;
  return true;
}

void trace_chunk_release(trace_writer* w, trace_lane* lane, bool trim) {
  if (!lane->chunk) return;
  const int saved = errno;
  uint64_t used = (uint64_t)(lane->cursor - (uint8_t*)lane->chunk);
  void* mapped = lane->chunk;
  lane->chunk = NULL;
  lane->cursor = lane->limit = NULL;
  atomic_signal_fence(memory_order_seq_cst);
  munmap(mapped, lane->size);
  uint64_t kept = trace_chunk_round(used);
  int fd;
  if (lane->slot != UINT32_MAX)
    trace_chunk_to_ring(w, lane->slot);
  else if (
      trim && kept + TRACE_CHUNK_TRIM <= lane->size &&
      (fd = trace_file_fd(&w->file)) >= 0)
    trace_chunk_fallocate(
        fd,
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        lane->offset + kept,
        lane->size - kept);
  errno = saved;
}
