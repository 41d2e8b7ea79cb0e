/* Writers and the threads that use them. */
#include "trace_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "trace_clock.h"

__thread trace_attachment trace_attachments[TRACE_WRITERS];
__thread trace_writer_thread* trace_writer_recent;

/* Open writers by slot. */
static _Atomic(trace_writer*) writers[TRACE_WRITERS];
static _Atomic uint32_t last_serial;

/* glibc keeps the first 32 keys in the thread itself; setting a later one may
 * call malloc, which a signal handler must not. */
#define TRACE_WRITER_SAFE_KEYS 32
static pthread_key_t exit_key;
static bool exit_key_safe;

static void trace_writer_unmap(trace_writer_thread* t) {
  for (unsigned i = 0; i < TRACE_LANES; i++) {
    trace_chunk_header* chunk = t->lanes[i].chunk;
    t->lanes[i].chunk = NULL;
    if (chunk) munmap(chunk, t->lanes[i].size);
  }
}

/* A thread ends: its chunks are closed, its state is free for another. */
static void trace_writer_detach(void* unused) {
  (void)unused;
  trace_writer_recent = NULL;
  for (unsigned i = 0; i < TRACE_WRITERS; i++) {
    trace_attachment* a = &trace_attachments[i];
    trace_writer_thread* t = a->thread;
    if (!t) continue;
    uint32_t serial = a->serial;
    a->thread = NULL;
    a->serial = 0;
    trace_writer* w = atomic_load(&writers[i]);
    atomic_store_explicit(&t->depth, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    bool live =
        w && w->serial == serial && atomic_load(&w->state) == TRACE_WRITER_LIVE;
    for (unsigned i = 0; live && i < TRACE_LANES; i++)
      trace_chunk_release(w, &t->lanes[i], true);
    trace_writer_unmap(t);
    atomic_store_explicit(&t->depth, 0, memory_order_release);
    atomic_store_explicit(&t->taken, 0, memory_order_release);
  }
}

__attribute__((constructor)) static void trace_writer_make_key(void) {
  exit_key_safe = pthread_key_create(&exit_key, trace_writer_detach) == 0 &&
                  exit_key < TRACE_WRITER_SAFE_KEYS;
}

static void* trace_writer_map(size_t bytes) {
  void* p = mmap(
      NULL,
      bytes,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      -1,
      0);
  return p == MAP_FAILED ? NULL : p;
}

/* A state that an exited thread left, or a new one. */
static trace_writer_thread* trace_writer_new_thread(trace_writer* w) {
  trace_writer_thread* t = atomic_load(&w->threads);
  for (; t; t = t->next) {
    uint32_t free = 0;
    if (atomic_load_explicit(&t->taken, memory_order_relaxed) == 0 &&
        atomic_compare_exchange_strong(&t->taken, &free, 1)) {
      memset(t->lanes, 0, sizeof t->lanes);
      return t;
    }
  }
  t = trace_writer_map(sizeof *t);
  if (!t) return NULL;
  t->taken = 1;
  t->writer = w;
  t->next = atomic_load(&w->threads);
  while (!atomic_compare_exchange_weak(&w->threads, &t->next, t)) {
  }
  return t;
}

trace_writer_thread* trace_writer_attach(trace_writer* w) {
  if (atomic_load(&w->state) != TRACE_WRITER_LIVE) return NULL;
  const int saved = errno;
  trace_attachment* a = &trace_attachments[w->slot];
  trace_writer_thread* t = trace_writer_new_thread(w);
  if (t) {
    t->origin =
        (uint32_t)atomic_fetch_add((_Atomic uint64_t*)&w->header->threads, 1);
    atomic_signal_fence(memory_order_seq_cst);
    /* A handler may have come in between and attached this thread. */
    if (a->thread && a->serial == w->serial) {
      atomic_store(&t->taken, 0);
      t = a->thread;
    } else {
      /* What a closed writer's state still maps goes with that state. */
      trace_writer_thread* old = a->thread;
      a->serial = w->serial;
      a->thread = t;
      trace_writer_recent = t;
      if (old && atomic_load(&old->depth) == 0) trace_writer_unmap(old);
      if (exit_key_safe) pthread_setspecific(exit_key, w);
    }
  }
  errno = saved;
  return t;
}

void trace_writer_count_lost(trace_writer* w) {
  if (atomic_load(&w->state) == TRACE_WRITER_LIVE)
    atomic_fetch_add((_Atomic uint64_t*)&w->header->lost, 1);
}

uint64_t trace_writer_definition_time(trace_writer* w) {
  uint64_t now = trace_now();
  uint64_t last = atomic_load(&w->definition_time);
  uint64_t mine;
  do {
    mine = now > last ? now : last + 1;
  } while (!atomic_compare_exchange_weak(&w->definition_time, &last, mine));
  return mine;
}

static bool trace_writer_take_slot(trace_writer* w) {
  for (unsigned i = 0; i < TRACE_WRITERS; i++) {
    trace_writer* none = NULL;
    if (atomic_compare_exchange_strong(&writers[i], &none, w)) {
      w->slot = i;
      return true;
    }
  }
  return false;
}

static bool trace_writer_write_header(trace_writer* w, bool ring) {
  const int fd = w->file.fd;
  if (!trace_chunk_reserve(fd, 0, TRACE_PAGE)) {
    if (errno == 0) errno = EFBIG;
    return false;
  }
  trace_file_header* h =
      mmap(NULL, TRACE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (h == MAP_FAILED) return false;
  struct timespec real;
  clock_gettime(CLOCK_REALTIME, &real);
  trace_file_header header = {
      .version = TRACE_VERSION,
      .header_bytes = TRACE_PAGE,
      .flags = ring ? TRACE_FLAG_RING : 0,
      .align = TRACE_PAGE,
      .clock = trace_clock_kind(),
      .start_ns = trace_now(),
      .realtime_ns =
          (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec,
      .pid = (uint32_t)getpid(),
      .chunk_bytes = w->chunk_bytes,
  };
  memcpy(header.magic, TRACE_MAGIC, sizeof header.magic);
  header.check = trace_file_check(&header);
  *h = header;
  w->header = h;
  w->end = w->reserved = TRACE_PAGE;
  return true;
}

static void trace_writer_sizes(
    trace_writer* w, const trace_writer_options* options) {
#ifdef LAZULI_HOSTILE
  uint64_t chunk = TRACE_PAGE;
#else
  uint64_t chunk = TRACE_CHUNK_DEFAULT;
#endif
  if (options && options->chunk_bytes) chunk = options->chunk_bytes;
  uint64_t ring = options ? options->ring_bytes : 0;
  if (ring && chunk > ring / 16) chunk = ring / 16;
  if (chunk > TRACE_CHUNK_MAX) chunk = TRACE_CHUNK_MAX;
  chunk = (chunk + TRACE_PAGE - 1) / TRACE_PAGE * TRACE_PAGE;
  if (chunk == 0) chunk = TRACE_PAGE;
  w->chunk_bytes = (uint32_t)chunk;
  if (!ring) return;
  uint64_t slots = ring / chunk;
  w->ring_slots = slots > UINT32_MAX / 4 ? UINT32_MAX / 4 : (uint32_t)slots;
  if (w->ring_slots == 0) w->ring_slots = 1;
  w->ring_room = 2 * w->ring_slots + 65536; /* open ones come on top */
}

/* True while the process has one thread: then the kernel registers for
 * membarrier at once. With more it waits for a grace period, 10 ms and up. */
static bool trace_writer_alone(void) {
  struct stat tasks;
  return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

trace_writer* trace_writer_open(
    const char* path, const trace_writer_options* options) {
  trace_writer* w = trace_writer_map(sizeof *w);
  if (!w) return NULL;
  trace_writer_sizes(w, options);
  if (!trace_writer_take_slot(w)) {
    errno = EMFILE;
    goto failed;
  }
  if (w->ring_slots) {
    w->ring = trace_writer_map(w->ring_room * sizeof *w->ring);
    if (!w->ring) goto failed_slot;
  }
  if (!trace_file_open(&w->file, path)) goto failed_slot;
  errno = 0;
  if (!trace_writer_write_header(w, w->ring_slots != 0)) goto failed_file;
  w->barrier =
      trace_writer_alone() &&
      syscall(
          SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#ifdef MADV_WIPEONFORK
  madvise(w, TRACE_PAGE, MADV_WIPEONFORK);
#endif
  w->serial = atomic_fetch_add(&last_serial, 1) + 1;
  atomic_store(&w->state, TRACE_WRITER_LIVE);
  return w;

failed_file : {
  int saved = errno;
  struct stat st;
  if (fstat(w->file.fd, &st) == 0 && S_ISREG(st.st_mode)) unlink(path);
  trace_file_close(&w->file);
  errno = saved;
}
failed_slot:
  /* Not given back: a thread that ends just now may be looking at it. */
  atomic_store(&writers[w->slot], NULL);
  return NULL;
failed : {
  int saved = errno;
  munmap(w, sizeof *w);
  errno = saved;
}
  return NULL;
}

/* True once no thread but the caller can be inside a write that began before
 * the writer was closed. */
static bool trace_writer_quiet(trace_writer* w) {
  /* Without the barrier: a while that is longer, by orders, than a store takes
   * to be seen by all. */
  if (!w->barrier ||
      syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
    usleep(500);
  for (trace_writer_thread* t = atomic_load(&w->threads); t; t = t->next)
    for (int tries = 0; atomic_load(&t->depth) != 0; tries++) {
      if (tries == 1000) return false;
      sched_yield();
    }
  return true;
}

/* Cuts off what lies behind the last event of the last chunk, and what was set
 * aside and not used. Never grows the file: that could send SIGXFSZ. */
static void trace_writer_trim(trace_writer* w, int fd) {
  uint64_t end = atomic_load(&w->end);
  struct stat st;
  if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < end) return;
  for (trace_writer_thread* t = atomic_load(&w->threads); t; t = t->next)
    for (unsigned i = 0; i < TRACE_LANES; i++) {
      const trace_lane* lane = &t->lanes[i];
      if (!lane->chunk || lane->offset + lane->size != end) continue;
      uint64_t used = (uint64_t)(lane->cursor - (uint8_t*)lane->chunk);
      used = (used + TRACE_PAGE - 1) / TRACE_PAGE * TRACE_PAGE;
      if (ftruncate(fd, (off_t)(lane->offset + used)) == 0) return;
    }
  if (ftruncate(fd, (off_t)end) != 0) return; /* a little too long, then */
}

void trace_writer_close(trace_writer* w) {
  if (!w) return;
  uint32_t live = TRACE_WRITER_LIVE;
  if (!atomic_compare_exchange_strong(&w->state, &live, TRACE_WRITER_CLOSED))
    return;
  const bool quiet = trace_writer_quiet(w);
  const int fd = trace_file_fd(&w->file);
  if (quiet && fd >= 0) trace_writer_trim(w, fd);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0)
    atomic_store((_Atomic uint64_t*)&w->header->finished, (uint64_t)st.st_size);
  /* A thread that is still inside a write may use the descriptor: then it is
   * left open, so that its number cannot become another file's. */
  if (quiet) trace_file_close(&w->file);
  /* The caller's own chunks; those of other threads go when they exit. */
  trace_writer_recent = NULL;
  trace_attachment* a = &trace_attachments[w->slot];
  if (a->thread && a->serial == w->serial) {
    if (atomic_load(&a->thread->depth) == 0) trace_writer_unmap(a->thread);
    a->thread = NULL;
  }
  atomic_store(&writers[w->slot], NULL);
}

void trace_writer_abandon(trace_writer* w) {
  if (!w) return;
  const int saved = errno;
  atomic_store(&w->state, TRACE_WRITER_GONE);
  trace_clock_after_fork();
  trace_file_close(&w->file);
  munmap(w->header, TRACE_PAGE);
  trace_attachment* a = &trace_attachments[w->slot];
  if (a->thread && a->serial == w->serial) trace_writer_unmap(a->thread);
  *a = (trace_attachment){0};
  trace_writer_recent = NULL;
  atomic_store(&writers[w->slot], NULL);
  errno = saved;
}

uint64_t trace_writer_lost(const trace_writer* w) {
  if (atomic_load((_Atomic uint32_t*)&w->state) == TRACE_WRITER_GONE) return 0;
  return atomic_load((_Atomic uint64_t*)&w->header->lost);
}
