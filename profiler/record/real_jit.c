/* The code of MLX's fused kernels: on the CPU it has them compiled by the
 * system's compiler, which it runs through popen(), and an eval stands still
 * until pclose(). */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "real.h"
#include "record.h"

static struct {
  FILE* (*popen)(const char*, const char*);
  int (*pclose)(FILE*);
} original;

/* At load, like everything that is looked up in libraries already there. */
__attribute__((constructor)) static void jit_find(void) {
  void* found = dlsym(RTLD_NEXT, "popen");
  memcpy(&original.popen, &found, sizeof found);
  found = dlsym(RTLD_NEXT, "pclose");
  memcpy(&original.pclose, &found, sizeof found);
}

/* The compiler that this thread waits for. */
static __thread struct {
  const FILE* pipe;
  uint64_t begin;
} jit __attribute__((tls_model("initial-exec")));

LAZULI_API FILE* popen(const char* command, const char* mode) {
  bool ours =
      atomic_load_explicit(&real_phase, memory_order_acquire) == REAL_READY &&
      real_self.eval && real_owns(__builtin_return_address(0));
  uint64_t begin = ours ? trace_now() : 0;
  FILE* pipe = original.popen(command, mode);
  if (ours) {
    jit.pipe = pipe;
    jit.begin = begin;
  }
  return pipe;
}

LAZULI_API int pclose(FILE* pipe) {
  bool ours = pipe && jit.pipe == pipe;
  int status = original.pclose(pipe);
  if (!ours) return status;
  jit.pipe = NULL;
  lazuli_probe_wait event = {
      .reason = LAZULI_WAIT_COMPILER,
      .eval = real_self.eval,
      .begin_ns = jit.begin,
      .end_ns = trace_now()};
  if (real_on() && record_probe()->wait) record_probe()->wait(NULL, &event);
  return status;
}
