/* Which file a process writes, and which one its parent wrote.
 *
 * The first process that records takes the file that was asked for; whoever
 * finds it taken appends its process id, and a number when it replaced itself
 * by exec. A file left by an earlier run is not taken: it is older than the
 * whole family, that is the ancestors with the same LAZULI_TRACE. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define PATH_ANCESTORS 32

/* Used under the recorder's lock. */
static char scratch[65536];

static size_t path_read(const char* path, char* out, size_t size) {
  size_t length = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  for (ssize_t n; length < size; length += (size_t)n)
    if ((n = read(fd, out + length, size - length)) <= 0) break;
  close(fd);
  return length;
}

/* The parent of a process and when it started, ns of CLOCK_BOOTTIME. */
static pid_t path_parent_of(pid_t pid, uint64_t* started_ns) {
  char name[40], text[1024];
  snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
  size_t length = path_read(name, text, sizeof text - 1);
  text[length] = '\0';
  /* The command's name may hold anything; the last ')' ends it. */
  char* at = strrchr(text, ')');
  int parent = 0;
  unsigned long long ticks = 0;
  if (!at ||
      sscanf(
          at + 1,
          " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d"
          " %*d %*d %*d %llu",
          &parent,
          &ticks) != 2)
    return 0;
  *started_ns = ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
  return parent;
}

/* True when `pid` was started with this very LAZULI_TRACE. */
static bool path_in_family(pid_t pid) {
  const char* mine = getenv("LAZULI_TRACE");
  char name[40];
  snprintf(name, sizeof name, "/proc/%d/environ", (int)pid);
  size_t length = path_read(name, scratch, sizeof scratch - 1);
  scratch[length] = '\0';
  for (char* at = scratch; mine && at < scratch + length; at += strlen(at) + 1)
    if (strncmp(at, "LAZULI_TRACE=", 13) == 0)
      return strcmp(at + 13, mine) == 0;
  return false;
}

/* Files carry the time of the kernel's last tick, and processes start by a
 * clock of hundredths of a second. */
#define PATH_SLACK_NS 20000000u

/* When the family began, ns of CLOCK_REALTIME. */
static uint64_t path_family_began(void) {
  struct timespec real, boot;
  uint64_t began = 0;
  pid_t pid = getpid();
  for (int i = 0; i < PATH_ANCESTORS && pid > 0; i++) {
    uint64_t started;
    pid_t parent = path_parent_of(pid, &started);
    if (parent == 0) break;
    began = started;
    pid = parent;
    if (!path_in_family(pid)) break;
  }
  clock_gettime(CLOCK_REALTIME, &real);
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return (uint64_t)(real.tv_sec - boot.tv_sec) * 1000000000u +
         (uint64_t)real.tv_nsec - (uint64_t)boot.tv_nsec + began -
         PATH_SLACK_NS;
}

static void path_program(pid_t pid, char* out, size_t size) {
  char name[40], target[PATH_MAX];
  snprintf(name, sizeof name, "/proc/%d/exe", (int)pid);
  ssize_t n = readlink(name, target, sizeof target - 1);
  target[n < 0 ? 0 : n] = '\0';
  const char* slash = strrchr(target, '/');
  snprintf(out, size, "%.200s", slash ? slash + 1 : n > 0 ? target : "program");
}

/* Expands the pattern for a process into an absolute path. Returns whether the
 * id of the process is part of it; -1 where it does not fit. */
static int path_expand(const char* pattern, pid_t pid, char* out, size_t size) {
  char program[256], number[16];
  struct stat is;
  size_t used = 0;
  int has_id = 0;
  const char* tail = "";
  path_program(pid, program, sizeof program);
  snprintf(number, sizeof number, "%d", (int)pid);
  if (!pattern) pattern = "%n.%p.lzt";
  size_t length = strlen(pattern);
  if ((length && pattern[length - 1] == '/') ||
      (stat(pattern, &is) == 0 && S_ISDIR(is.st_mode)))
    tail = "/%n.%p.lzt";
  if (pattern[0] != '/') {
    if (!getcwd(out, size)) return -1;
    used = strlen(out);
    if (used + 1 >= size) return -1;
    out[used++] = '/';
  }
  for (const char* part = pattern; part; part = part == tail ? NULL : tail)
    for (const char* at = part; *at; at++) {
      char one[2] = {*at, '\0'};
      const char* text = one;
      if (at[0] == '%' && at[1]) {
        at++;
        if (*at == 'p') text = number, has_id = 1;
        if (*at == 'n') text = program;
        one[0] = *at;
      }
      size_t n = strlen(text);
      if (used + n + 1 > size) return -1;
      memcpy(out + used, text, n);
      used += n;
    }
  out[used] = '\0';
  return has_id;
}

/* Creates the file if it is free. 0; 1 when taken; -1 and errno. */
static int path_take(const char* path, uint64_t began) {
  for (int tries = 0; tries < 3; tries++) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct stat is;
    if (fd >= 0) return close(fd), 0;
    if (errno != EEXIST) return -1;
    if (stat(path, &is) != 0) continue;
    if (!S_ISREG(is.st_mode)) return 0; /* a device: as asked for */
    if ((uint64_t)is.st_mtim.tv_sec * 1000000000u +
            (uint64_t)is.st_mtim.tv_nsec >=
        began)
      return 1;
    if (unlink(path) != 0) {
      /* Writable in a directory that is not: take it over as it is. */
      return access(path, W_OK) == 0 ? 0 : -1;
    }
  }
  return 1;
}

int record_path_claim(const char* pattern, char* out, size_t size) {
  char base[PATH_MAX];
  int has_id = path_expand(pattern, getpid(), base, sizeof base);
  uint64_t began = path_family_began();
  if (has_id < 0) {
    errno = ENAMETOOLONG;
    return 1;
  }
  for (int number = 0; number < 1000; number++) {
    int n;
    if (number == 0)
      n = snprintf(out, size, "%s", base);
    else if (number == 1 && !has_id)
      n = snprintf(out, size, "%s.%d", base, (int)getpid());
    else if (has_id)
      n = snprintf(out, size, "%s.%d", base, number + 1);
    else
      n = snprintf(out, size, "%s.%d.%d", base, (int)getpid(), number);
    if (n < 0 || (size_t)n >= size) {
      errno = ENAMETOOLONG;
      return 1;
    }
    int taken = path_take(out, began);
    if (taken <= 0) return taken < 0;
  }
  errno = EEXIST;
  return 1;
}

/* The file's path as the kernel has it, without links and dots. */
static bool path_resolve(const char* given, char out[PATH_MAX]) {
  char name[40];
  int fd = open(given, O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(name, out, PATH_MAX - 1);
  close(fd);
  if (n > 0) out[n] = '\0';
  return n > 0;
}

/* True when the process has the file mapped: its recorder writes it. */
static bool path_mapped_by(pid_t pid, const char* given) {
  char name[40], path[PATH_MAX];
  if (!path_resolve(given, path)) return false;
  size_t length = strlen(path), kept = 0;
  bool found = false;
  snprintf(name, sizeof name, "/proc/%d/maps", (int)pid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  for (ssize_t n; !found;) {
    n = read(fd, scratch + kept, sizeof scratch - kept - 1);
    if (n <= 0) break;
    kept += (size_t)n;
    scratch[kept] = '\0';
    char* line = scratch;
    for (char* end; !found && (end = strchr(line, '\n')); line = end + 1)
      found = (size_t)(end - line) > length &&
              end[-1 - (ssize_t)length] == ' ' &&
              memcmp(end - length, path, length) == 0;
    kept -= (size_t)(line - scratch);
    memmove(scratch, line, kept);
    if (kept + 1 >= sizeof scratch) break;
  }
  close(fd);
  return found;
}

void record_path_parent(const char* pattern, char* out, size_t size) {
  char base[PATH_MAX];
  pid_t pid = getpid();
  for (int i = 0; i < PATH_ANCESTORS; i++) {
    uint64_t started;
    pid = path_parent_of(pid, &started);
    if (pid <= 1 || !path_in_family(pid)) break;
    int has_id = path_expand(pattern, pid, base, sizeof base);
    if (has_id < 0) break;
    snprintf(out, size, "%s", base);
    if (path_mapped_by(pid, out)) return;
    if (!has_id) {
      snprintf(out, size, "%s.%d", base, (int)pid);
      if (path_mapped_by(pid, out)) return;
    }
  }
  out[0] = '\0';
}
