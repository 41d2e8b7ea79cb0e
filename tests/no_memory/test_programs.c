/* Allocations of Lazuli fail, one by one, while programs go through most of
 * the interface. Whatever fails: no crash; a call that fails says so, is told
 * to the handler, and nothing else is wrong; all memory comes back; and the
 * same program runs afterwards as if nothing had been.
 *
 *   test_programs [PROGRAM|'' [SECONDS [N MORE]]]
 *
 * SECONDS: for each program, 1 unless told; with more, every allocation fails,
 * or the N-th alone and MORE after it.
 * Each n has a process of its own, in which the library starts cold: the n-th
 * allocation fails; all is well; the n-th fails again, warm; all is well. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "fail.h"
#include "program.h"

static const struct {
  const char* name;
  program_body body;
} programs[] = {
#define PROGRAM(name) {#name, program_##name},
#include "programs.def"
#undef PROGRAM
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

static int reports;
static char last_report[512];
static char folder[64];
static double seconds = 1;
static long only = -1, only_more;

static void program_report(const char* message, void* data) {
  (void)data;
  __atomic_add_fetch(&reports, 1, __ATOMIC_RELAXED);
  snprintf(last_report, sizeof last_report, "%s", message);
}

static void program_run(program_body body, program* p) {
  memset(p, 0, sizeof *p);
  p->sum = 14695981039346656037u;
  p->folder = folder;
  reports = 0;
  p->s = mlx_default_cpu_stream_new();
  p->failed += !p->s.ctx;
  if (p->s.ctx) body(p);
  for (int i = 0; i < PROGRAM_ARRAYS; i++) mlx_array_free(p->a[i]);
  for (int i = 0; i < PROGRAM_VECTORS; i++) mlx_vector_array_free(p->v[i]);
  /* What was begun ends before memory is looked at. */
  if (p->s.ctx) mlx_synchronize(p->s);
  mlx_stream_free(p->s);
}

static size_t program_active(void) {
  size_t bytes = 0;
  mlx_get_active_memory(&bytes);
  return bytes;
}

/* What a run is expected to be. */
typedef struct outcome {
  uint64_t bits;
  size_t active;
  long cold, warm; /* allocations */
} outcome;

/* In a child: 0 or what is wrong. */
static int wrong(const char* name, long n, long more, const char* what) {
  fprintf(
      stderr,
      "%s, allocation %ld (+%ld): %s (last report: %s)\n",
      name,
      n,
      more,
      what,
      last_report);
  return 1;
}

static uint64_t program_bits(const program* p) {
  uint64_t bits = p->sum;
  for (size_t i = 0; i < p->n_values; i++) {
    uint32_t b;
    memcpy(&b, &p->values[i], sizeof b);
    bits = (bits ^ b) * 1099511628211u;
  }
  return bits;
}

static bool program_close(const program* p, const program* q) {
  if (p->sum != q->sum || p->n_values != q->n_values) return false;
  for (size_t i = 0; i < p->n_values; i++) {
    float a = p->values[i], b = q->values[i];
    if (a != b && !(fabsf(a - b) <= 1e-4f * (1 + fabsf(b)))) return false;
  }
  return true;
}

static int child_measure(program_body body, outcome* o) {
  program p;
  fail_at(-1, 0);
  program_run(body, &p);
  o->cold = fail_count();
  program_run(body, &p);
  fail_at(-1, 0);
  program_run(body, &p);
  o->warm = fail_count();
  o->bits = program_bits(&p);
  o->active = program_active();
  if (p.failed) fprintf(stderr, "%s: %s\n", p.first, last_report);
  return p.failed;
}

static int child_fail(int which, long n, long more, const outcome* o) {
  const char* name = programs[which].name;
  for (int warm = 0; warm < 2; warm++) {
    program p, q;
    fail_at(warm ? n % (o->warm ? o->warm : 1) : n, more);
    program_run(programs[which].body, &p);
    fail_at(-1, 0);
    if (p.failed && !reports)
      return wrong(name, n, more, "nothing was reported");
    program_run(programs[which].body, &q);
    if (q.failed) return wrong(name, n, more, "calls fail afterwards");
    if (program_bits(&q) != o->bits)
      return wrong(name, n, more, "other values afterwards");
    if (!p.failed && !program_close(&p, &q))
      return wrong(name, n, more, "no call failed, yet the values are others");
    free(p.values);
    free(q.values);
    if (program_active() != o->active)
      return wrong(name, n, more, "memory does not come back");
  }
  return 0;
}

/* Runs it in a process of its own; -signal, or its status. */
static int in_child(int which, long n, long more, outcome* o) {
  int ends[2];
  if (pipe(ends)) return 99;
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    /* cmocka's handlers would go on with its tests. */
    const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    for (int i = 0; i < 5; i++) signal(crashes[i], SIG_DFL);
    mlx_set_error_handler(program_report, NULL, NULL);
    int status;
    if (n < 0) {
      outcome found = {0};
      status = child_measure(programs[which].body, &found);
      if (write(ends[1], &found, sizeof found) != sizeof found) status = 98;
    } else {
      status = child_fail(which, n, more, o);
    }
    _exit(status);
  }
  close(ends[1]);
  if (n < 0 && read(ends[0], o, sizeof *o) != sizeof *o)
    memset(o, 0, sizeof *o);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The first ones, ever wider steps, and by chance as many again. */
static int sweep(int which) {
  outcome o;
  int status = in_child(which, -1, 0, &o);
  if (status) {
    fprintf(stderr, "%s fails with memory: %d\n", programs[which].name, status);
    return 1;
  }
  double end = now() + seconds;
  uint32_t x = (uint32_t)which + 1;
  int bad = 0, runs = 0;
  for (long n = 0; n < o.cold && now() < end; runs++) {
    x = x * 1664525u + 1013904223u;
    bool chance = seconds <= 1 && runs % 2;
    long at = chance ? (long)(x >> 8) % o.cold : n;
    long more = x % 5 == 0 ? 1 : x % 7 == 0 ? 1L << 40 : 0;
    if (only >= 0) at = only, more = only_more, n = o.cold;
    status = in_child(which, at, more, &o);
    if (status < 0)
      fprintf(
          stderr,
          "%s, allocation %ld (+%ld): %s\n",
          programs[which].name,
          at,
          more,
          strsignal(-status));
    bad += status != 0;
    if (!chance) n = n < 32 || seconds > 1 ? n + 1 : n * 9 / 8 + 1;
  }
  printf(
      "%s: %d runs over %ld allocations, %d wrong\n",
      programs[which].name,
      runs,
      o.cold,
      bad);
  return bad;
}

static void no_memory(void** state) {
  assert_int_equal(sweep((int)(intptr_t)*state), 0);
}

static void folder_remove(void) {
  const char* files[] = {
      "a.npy", "b.safetensors", "c.gguf", "d.gguf", "f.mlxfn"};
  char path[128];
  for (int i = 0; i < 5; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    unlink(path);
  }
  rmdir(folder);
}

int main(int argc, char** argv) {
  snprintf(folder, sizeof folder, "/tmp/lazuli-no-memory-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  if (argc > 2) seconds = atof(argv[2]);
  if (argc > 3) only = atol(argv[3]);
  if (argc > 4) only_more = atol(argv[4]);
  int failed = 0;
  struct CMUnitTest tests[PROGRAMS];
  int count = 0;
  for (int i = 0; i < PROGRAMS; i++) {
    if (argc > 1 && *argv[1] && strcmp(argv[1], programs[i].name)) continue;
    tests[count++] = (struct CMUnitTest){
        programs[i].name, no_memory, NULL, NULL, (void*)(intptr_t)i};
  }
  if (count)
    failed =
        _cmocka_run_group_tests("no_memory", tests, (size_t)count, NULL, NULL);
  folder_remove();
  return failed;
}
