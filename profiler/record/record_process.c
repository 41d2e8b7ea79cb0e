/* Says what process this is. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

/* Used under the recorder's lock, once a file. */
static char arguments[32768];

static uint32_t process_read(const char* path, char* out, size_t size) {
  size_t length = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  for (ssize_t n; length < size; length += (size_t)n)
    if ((n = read(fd, out + length, size - length)) <= 0) break;
  close(fd);
  return (uint32_t)length;
}

void record_process_put(record_thread* t, const char* parent) {
  char executable[PATH_MAX], directory[PATH_MAX];
  struct timespec real;
  ssize_t n = readlink("/proc/self/exe", executable, sizeof executable);
  uint32_t length =
      process_read("/proc/self/cmdline", arguments, sizeof arguments);
  if (!getcwd(directory, sizeof directory)) directory[0] = '\0';
  clock_gettime(CLOCK_REALTIME, &real);
  RECORD_PUT(
      t,
      process,
      {.pid = (uint32_t)getpid(),
       .parent = (uint32_t)getppid(),
       .realtime_ns =
           (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec,
       .executable = {executable, n < 0 ? 0 : (uint32_t)n},
       .arguments = {arguments, length},
       .directory = {directory, (uint32_t)strlen(directory)},
       .parent_trace = {parent, (uint32_t)strlen(parent)}});
}
