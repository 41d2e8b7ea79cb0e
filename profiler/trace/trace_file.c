#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not through the C library: see trace_file.h. */
static int trace_file_call_open(const char* path, int flags, int mode) {
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void trace_file_call_close(int fd) {
  syscall(SYS_close, fd);
}

/* The same file under a number that programs seldom reach. */
static int trace_file_raise(int fd) {
  static const int numbers[] = {1000, 500, 200, 100};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    int high = fcntl(fd, F_DUPFD_CLOEXEC, numbers[i]);
    if (high < 0) continue;
    trace_file_call_close(fd);
    return high;
  }
  return fd;
}

static bool trace_file_is_ours(const trace_file* f, int fd) {
  struct stat st;
  return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == f->device &&
         st.st_ino == f->inode;
}

bool trace_file_open(trace_file* f, const char* path) {
  struct stat st;
  /* Whoever maps the old file would die of its being cut. */
  if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) unlink(path);
  int fd =
      trace_file_call_open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  fd = trace_file_raise(fd);
  if (fstat(fd, &st) != 0) {
    int saved = errno;
    trace_file_call_close(fd);
    errno = saved;
    return false;
  }
  f->device = st.st_dev;
  f->inode = st.st_ino;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, f->path, sizeof f->path - 1);
  f->path[n > 0 ? n : 0] = 0;
  f->fd = fd;
  return true;
}

int trace_file_fd(trace_file* f) {
  int fd = atomic_load(&f->fd);
  if (trace_file_is_ours(f, fd)) return fd;
  if (!f->path[0]) return -1;
  int again = trace_file_call_open(f->path, O_RDWR | O_CLOEXEC, 0);
  if (!trace_file_is_ours(f, again)) {
    if (again >= 0) trace_file_call_close(again);
    return -1;
  }
  again = trace_file_raise(again);
  if (atomic_compare_exchange_strong(&f->fd, &fd, again)) return again;
  trace_file_call_close(again); /* another thread was first */
  return trace_file_is_ours(f, fd) ? fd : -1;
}

void trace_file_close(trace_file* f) {
  int fd = atomic_exchange(&f->fd, -1);
  if (trace_file_is_ours(f, fd)) trace_file_call_close(fd);
}
