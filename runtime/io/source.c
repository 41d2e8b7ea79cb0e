#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "stream/pool.h"

struct lz_source {
  _Atomic uint32_t refs;
  int fd; /* -1: a reader */
  lz_io* io;
  pthread_mutex_t lock; /* of the reader */
  uint64_t size, start;
  char* label;
};

static lz_source* source_new(const char* label) {
  lz_source* s = calloc(1, sizeof *s);
  char* copy = strdup(label);
  if (!s || !copy) {
    free(s);
    free(copy);
    return error_memory();
  }
  atomic_init(&s->refs, 1);
  s->fd = -1;
  s->label = copy;
  pthread_mutex_init(&s->lock, NULL);
  return s;
}

lz_source* source_open(const char* op, const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) || S_ISDIR(st.st_mode)) {
    int why = fd >= 0 && S_ISDIR(st.st_mode) ? EISDIR : errno;
    if (fd >= 0) close(fd);
    return error_set(
        "[%s] Failed to open file %s: %s", op, path, strerror(why));
  }
  lz_source* s = source_new(path);
  if (!s) {
    close(fd);
    return NULL;
  }
  s->fd = fd;
  s->size = (uint64_t)st.st_size;
  return s;
}

lz_source* source_of_reader(const char* op, lz_io* reader) {
  const mlx_io_vtable* v = &reader->vtable;
  if ((v->is_open && !v->is_open(reader->desc)) ||
      (v->good && !v->good(reader->desc)))
    return error_set(
        "[%s] Failed to open %s",
        op,
        v->label ? v->label(reader->desc) : "the reader");
  lz_source* s = source_new(v->label ? v->label(reader->desc) : "the reader");
  if (!s) return NULL;
  s->io = io_ref(reader);
  s->start = v->tell(reader->desc);
  v->seek(reader->desc, 0, SEEK_END);
  s->size = v->tell(reader->desc);
  v->seek(reader->desc, (int64_t)s->start, SEEK_SET);
  return s;
}

lz_source* source_ref(lz_source* s) {
  atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
  return s;
}

void source_unref(lz_source* s) {
  if (!s) return;
  if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
  if (s->fd >= 0) close(s->fd);
  io_unref(s->io);
  pthread_mutex_destroy(&s->lock);
  free(s->label);
  free(s);
}

const char* source_label(const lz_source* s) {
  return s->label;
}
uint64_t source_size(const lz_source* s) {
  return s->size;
}
uint64_t source_start(const lz_source* s) {
  return s->start;
}

static int source_short(const lz_source* s, size_t n, uint64_t offset) {
  return error_fail(
      "[load] %s ends before byte %llu",
      s->label,
      (unsigned long long)(offset + n));
}

static int source_read_io(lz_source* s, char* to, size_t n, uint64_t offset) {
  const mlx_io_vtable* v = &s->io->vtable;
  pthread_mutex_lock(&s->lock);
  if (v->read_at_offset) {
    v->read_at_offset(s->io->desc, to, n, offset);
  } else {
    v->seek(s->io->desc, (int64_t)offset, SEEK_SET);
    v->read(s->io->desc, to, n);
  }
  bool good = !v->good || v->good(s->io->desc);
  pthread_mutex_unlock(&s->lock);
  return good ? 0 : source_short(s, n, offset);
}

/* A file, read by all threads where it is long: one alone does not get what the
 * page cache or a disk can give. */
#define SOURCE_GRAIN ((int64_t)1 << 20)
#define SOURCE_SHORT (-1)

typedef struct source_reading {
  int fd;
  char* to;
  uint64_t offset;
  _Atomic int why; /* an errno, or SOURCE_SHORT */
} source_reading;

static void source_read_part(
    void* ctx, int64_t begin, int64_t end, int worker) {
  source_reading* r = ctx;
  (void)worker;
  while (begin < end) {
    ssize_t got = pread(
        r->fd, r->to + begin, (size_t)(end - begin), (off_t)r->offset + begin);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      atomic_store(&r->why, got ? errno : SOURCE_SHORT);
      return;
    }
    begin += got;
  }
}

int source_read(lz_source* s, void* to, size_t n, uint64_t offset) {
  if (n == 0) return 0;
  if (offset > s->size || n > s->size - offset)
    return source_short(s, n, offset);
  if (s->io) return source_read_io(s, to, n, offset);
  source_reading r = {s->fd, to, offset, 0};
  pool_for((int64_t)n, SOURCE_GRAIN, source_read_part, &r);
  int why = atomic_load(&r.why);
  if (why == SOURCE_SHORT) return source_short(s, n, offset);
  return why ? error_fail("[load] reading %s: %s", s->label, strerror(why)) : 0;
}

/* ---- writing ---------------------------------------------------------- */

struct lz_sink {
  FILE* file; /* NULL: a writer */
  lz_io* io;
  char* path;
  char* beside;
  const char* op;
};

lz_sink* sink_open(const char* op, const char* path) {
  lz_sink* s = calloc(1, sizeof *s);
  size_t n = strlen(path);
  if (!s) return error_memory();
  s->op = op;
  s->path = strdup(path);
  s->beside = malloc(n + 32);
  if (!s->path || !s->beside) {
    free(s->path);
    free(s->beside);
    free(s);
    return error_memory();
  }
  /* A device or a pipe is written to as it is. */
  struct stat st;
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
    memcpy(s->beside, path, n + 1);
  else
    snprintf(s->beside, n + 32, "%s.tmp%ld", path, (long)getpid());
  s->file = fopen(s->beside, "wbe");
  if (s->file) return s;
  error_set("[%s] Failed to open %s: %s", op, path, strerror(errno));
  free(s->path);
  free(s->beside);
  free(s);
  return NULL;
}

lz_sink* sink_of_writer(const char* op, lz_io* writer) {
  const mlx_io_vtable* v = &writer->vtable;
  if ((v->is_open && !v->is_open(writer->desc)) ||
      (v->good && !v->good(writer->desc)))
    return error_set(
        "[%s] Failed to open %s",
        op,
        v->label ? v->label(writer->desc) : "the writer");
  lz_sink* s = calloc(1, sizeof *s);
  if (!s) return error_memory();
  s->op = op;
  s->io = io_ref(writer);
  return s;
}

int sink_expect(lz_sink* s, uint64_t bytes) {
  if (s->io || bytes == 0) return 0;
  if (fallocate(fileno(s->file), 0, 0, (off_t)bytes) == 0) return 0;
  /* Where the file system can't, the writes will tell. */
  if (errno != ENOSPC && errno != EDQUOT) return 0;
  return error_fail("[%s] writing %s: %s", s->op, s->path, strerror(errno));
}

int sink_write(lz_sink* s, const void* from, size_t n) {
  if (n == 0) return 0;
  if (s->io) {
    const mlx_io_vtable* v = &s->io->vtable;
    v->write(s->io->desc, from, n);
    if (!v->good || v->good(s->io->desc)) return 0;
    return error_fail("[%s] the writer failed", s->op);
  }
  if (fwrite(from, 1, n, s->file) == n) return 0;
  return error_fail("[%s] writing %s: %s", s->op, s->path, strerror(errno));
}

int sink_close(lz_sink* s, bool failed) {
  int result = failed;
  if (s->io) {
    io_unref(s->io);
  } else {
    bool same = strcmp(s->path, s->beside) == 0;
    if (fclose(s->file) && !result)
      result =
          error_fail("[%s] writing %s: %s", s->op, s->path, strerror(errno));
    if (!same && !result && rename(s->beside, s->path))
      result =
          error_fail("[%s] writing %s: %s", s->op, s->path, strerror(errno));
    if (!same && result) unlink(s->beside);
  }
  free(s->path);
  free(s->beside);
  free(s);
  return result;
}
