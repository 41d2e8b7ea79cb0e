/* Ends of a process that run no exit handler: _exit(), quick_exit(), abort()
 * and the exec functions. Each is told before it happens, and happens as ever.
 *
 * All may be called in a signal handler, and in a child of vfork(), which has
 * our memory and is another process: record_finish() knows.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lazuli/api.h"
#include "record.h"

static struct {
  void (*quick_exit)(int);
  void (*abort)(void);
  int (*execve)(const char*, char* const*, char* const*);
  int (*execvpe)(const char*, char* const*, char* const*);
  int (*fexecve)(int, char* const*, char* const*);
} original;

/* At load: what looks symbols up may not be called in a handler. */
__attribute__((constructor)) static void end_find(void) {
#define FIND(name)                                \
  do {                                            \
    void* found = dlsym(RTLD_NEXT, #name);        \
    memcpy(&original.name, &found, sizeof found); \
  } while (0)
  FIND(quick_exit);
  FIND(abort);
  FIND(execve);
  FIND(execvpe);
  FIND(fexecve);
#undef FIND
}

static void end_at_once(int status) {
  if (record_finish((uint32_t)status & 0xff, RECORD_END_AT_ONCE))
    record_close();
}

LAZULI_API void _exit(int status) {
  end_at_once(status);
  for (;;) syscall(SYS_exit_group, status);
}

LAZULI_API void _Exit(int status) {
  _exit(status);
}

static _Atomic int end_status;

static void end_quickly(void) {
  end_at_once(atomic_load(&end_status));
}

void record_end_watch(void) {
  if (at_quick_exit(end_quickly) != 0) return; /* its end is not seen, then */
}

LAZULI_API void quick_exit(int status) {
  atomic_store(&end_status, status);
  original.quick_exit(status);
  __builtin_unreachable();
}

static __thread bool end_aborts __attribute__((tls_model("initial-exec")));

bool record_end_told(void) {
  return end_aborts;
}

/* The trace stays open: a handler of SIGABRT may jump away. */
LAZULI_API void abort(void) {
  end_aborts = record_finish(UINT32_MAX, RECORD_END_ABORT);
  original.abort();
  __builtin_unreachable();
}

/* ---- exec ---------------------------------------------------------------- */

static bool end_by_exec(void) {
  return record_finish(UINT32_MAX, RECORD_END_EXEC);
}

/* It failed: the process goes on. */
static int end_not(bool told) {
  int saved = errno;
  if (told) record_finish(UINT32_MAX, RECORD_END_NOT);
  errno = saved;
  return -1;
}

LAZULI_API int execve(
    const char* path, char* const* argv, char* const* environment) {
  bool told = end_by_exec();
  original.execve(path, argv, environment);
  return end_not(told);
}

LAZULI_API int fexecve(int fd, char* const* argv, char* const* environment) {
  bool told = end_by_exec();
  original.fexecve(fd, argv, environment);
  return end_not(told);
}

LAZULI_API int execvpe(
    const char* file, char* const* argv, char* const* environment) {
  bool told = end_by_exec();
  original.execvpe(file, argv, environment);
  return end_not(told);
}

LAZULI_API int execv(const char* path, char* const* argv) {
  return execve(path, argv, environ);
}

LAZULI_API int execvp(const char* file, char* const* argv) {
  return execvpe(file, argv, environ);
}

/* Calls `call` with the listed arguments as the array `argv`; `more` takes what
 * follows them. */
#define END_LIST(first, more, call)                                    \
  do {                                                                 \
    va_list args;                                                      \
    size_t count = 0;                                                  \
    va_start(args, first);                                             \
    for (const char* a = first; a; a = va_arg(args, char*)) count++;   \
    va_end(args);                                                      \
    char* argv[count + 1];                                             \
    argv[0] = (char*)(uintptr_t)(first);                               \
    va_start(args, first);                                             \
    for (size_t i = 1; i <= count; i++) argv[i] = va_arg(args, char*); \
    more;                                                              \
    va_end(args);                                                      \
    return call;                                                       \
  } while (0)

LAZULI_API int execl(const char* path, const char* first, ...) {
  END_LIST(first, (void)0, execve(path, argv, environ));
}

LAZULI_API int execlp(const char* file, const char* first, ...) {
  END_LIST(first, (void)0, execvpe(file, argv, environ));
}

LAZULI_API int execle(const char* path, const char* first, ...) {
  char* const* environment;
  END_LIST(
      first,
      environment = va_arg(args, char* const*),
      execve(path, argv, environment));
}
