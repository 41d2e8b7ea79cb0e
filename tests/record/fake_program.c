/* fake_program MODE [ARGUMENT]: a program on the fake runtime, that does one
 * thing that a recorder must survive. It knows nothing of any recorder. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_runtime.h"

static const char* argument;

static int nodes(uint64_t first, unsigned count) {
  for (unsigned i = 0; i < count; i++) fake_node("Add", first + i, 0);
  return 0;
}

static int mode_all(void) {
  fake_all();
  return 0;
}

/* Status, streams and errno belong to the program. */
static int mode_plain(void) {
  char line[100] = "";
  errno = 77;
  fake_all();
  if (errno != 77) return 1;
  if (fgets(line, sizeof line, stdin)) printf("read: %s", line);
  fprintf(stderr, "to stderr\n");
  fflush(stdout);
  return 42;
}

static int mode_kill(void) {
  nodes(1, 1000);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  raise(SIGKILL);
  return 1;
}

static int mode_segv(void) {
  nodes(1, 1000);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  volatile int* volatile nowhere = NULL;
  *nowhere = 1;
  return 1;
}

static int mode_abort(void) {
  nodes(1, 1000);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  abort();
}

static int mode_exit_at_once(void) {
  nodes(1, 1000);
  _exit(9);
}

static int mode_quick_exit(void) {
  nodes(1, 1000);
  quick_exit(10);
}

/* Six ways to run something that is not there, then on. */
static int mode_exec_fails(void) {
  char* const none[] = {"none", NULL};
  nodes(1, 500);
  errno = 0;
  if (execve("/no/such", none, environ) != -1 || errno != ENOENT) return 1;
  if (execv("/no/such", none) != -1 || errno != ENOENT) return 2;
  if (execvp("no-such-program", none) != -1 || errno != ENOENT) return 3;
  if (execvpe("no-such-program", none, environ) != -1) return 4;
  if (fexecve(-1, none, environ) != -1 || errno == ENOENT) return 5;
  if (execl("/no/such", "none", "a", (char*)NULL) != -1) return 6;
  if (execlp("no-such-program", "none", (char*)NULL) != -1) return 7;
  if (execle("/no/such", "none", (char*)NULL, environ) != -1) return 8;
  nodes(501, 500);
  return 0;
}

/* The arguments and the environment arrive. */
static int mode_exec_list(void) {
  char* const environment[] = {"GREETING=hello", NULL};
  nodes(1, 1000);
  execle(
      "/bin/sh",
      "sh",
      "-c",
      "echo $GREETING $0 $1",
      "a",
      "b",
      (char*)NULL,
      environment);
  return 1;
}

/* A child that shares the memory ends; we do not. */
static int mode_vfork(void) {
  nodes(1, 500);
  pid_t child = vfork();
  if (child == 0) {
    execl("/no/such", "none", (char*)NULL);
    _exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  nodes(501, 500);
  return WEXITSTATUS(status);
}

/* A signal that nobody handles, sent by the process, or by a fault. */
static int mode_signal(void) {
  nodes(1, 500);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  nodes(501, 500);
  raise(atoi(argument));
  return 0;
}

static int mode_divide(void) {
  const int zero = atoi("0");
  volatile int one = 1;
  nodes(1, 500);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  nodes(501, 500);
  return one / zero;
}

static volatile sig_atomic_t handled;
static void handle(int number) {
  handled = number;
}

/* Signals are as if nobody watched: the default is what is found, handlers are
 * called and given back, and who sets the default again dies by it. */
static int mode_signal_own(void) {
  struct sigaction action = {.sa_handler = handle}, before;
  nodes(1, 500);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  if (sigaction(SIGTERM, NULL, &before) != 0 || before.sa_handler != SIG_DFL ||
      before.sa_flags)
    return 1;
  if (signal(SIGTERM, handle) != SIG_DFL) return 2;
  raise(SIGTERM);
  if (handled != SIGTERM) return 3;
  if (signal(SIGTERM, SIG_DFL) != handle) return 4;
  if (sigaction(SIGTERM, &action, &before) != 0 || before.sa_handler != SIG_DFL)
    return 5;
  handled = 0;
  raise(SIGTERM);
  if (handled != SIGTERM) return 6;
  if (signal(SIGTERM, SIG_IGN) != handle) return 7;
  raise(SIGTERM);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
    _exit(1);
  }
  int status;
  if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) return 8;
  if (sigaction(SIGTERM, NULL, &before) != 0 || before.sa_handler != SIG_IGN)
    return 9;
  nodes(501, 500);
  action.sa_handler = SIG_DFL;
  if (sigaction(SIGTERM, &action, &before) != 0 || before.sa_handler != SIG_IGN)
    return 10;
  raise(SIGTERM);
  return 11;
}

/* No room for a handler: it dies as it would. */
static int overflow(int depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  return depth < 1 << 30 ? overflow(depth + 1) + room[0] : 0;
}
static int mode_overflow(void) {
  nodes(1, 500);
  fake_eval(1, LAZULI_TRIGGER_EVAL);
  nodes(501, 500);
  return overflow(0);
}

/* SIGABRT is caught, and left by a jump. */
static jmp_buf back;
static void jump_back(int number) {
  (void)number;
  longjmp(back, 1);
}

static int mode_abort_caught(void) {
  nodes(1, 500);
  signal(SIGABRT, jump_back);
  if (setjmp(back) == 0) abort();
  nodes(501, 500);
  return 6;
}

static void leave(int number) {
  (void)number;
  fake_node("Handler", 5000, 0);
  exit(7);
}

/* The timer's signal interrupts a write sooner or later. */
static int mode_exit_in_handler(void) {
  signal(SIGALRM, leave);
  ualarm(20000, 0);
  for (uint64_t id = 10000; id; id++) fake_node("Add", id, 0);
  return 1;
}

static volatile sig_atomic_t ticks;
static void allocate(int number) {
  static uint64_t id = 1000000;
  (void)number;
  /* Not what POSIX allows, but what programs do. */
  void* p = malloc(100 + (size_t)ticks % 1000);
  fake_node("Handler", ++id, 0);
  free(p);
  ticks++;
}

static int mode_malloc_in_handler(void) {
  struct sigaction action = {.sa_handler = allocate, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  ualarm(500, 500);
  /* The interrupted code here does not call malloc: what is tested is that the
   * recorder does not either. */
  for (uint64_t id = 1; ticks < 200 && id < 5000000; id++)
    fake_node("Add", id, 0);
  ualarm(0, 0);
  printf("%s\n", ticks >= 200 ? "ticked" : "did not tick");
  return 0;
}

static int mode_fork(void) {
  nodes(1, 10);
  pid_t child = fork();
  if (child == 0) {
    nodes(100, 20);
    exit(3);
  }
  int status;
  waitpid(child, &status, 0);
  nodes(11, 10);
  return WEXITSTATUS(status);
}

static int mode_fork_silent(void) {
  nodes(1, 10);
  pid_t child = fork();
  if (child == 0) exit(3);
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

static int mode_fork_exec(void) {
  nodes(1, 10);
  pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "fake_program", "all", (char*)NULL);
    _exit(99);
  }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

static int mode_exec(void) {
  nodes(1, 10);
  execl("/proc/self/exe", "fake_program", "all", (char*)NULL);
  return 99;
}

#define THREADS 8
#define THREAD_NODES 20000

static void* thread_main(void* number) {
  char name[16];
  uint64_t base = (uint64_t)(uintptr_t)number * 1000000;
  snprintf(name, sizeof name, "worker %d", (int)(uintptr_t)number);
  pthread_setname_np(pthread_self(), name);
  for (unsigned i = 0; i < THREAD_NODES; i++)
    fake_node("Add", base + i, base + i + 1);
  return NULL;
}

static int mode_threads(void) {
  pthread_t threads[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, thread_main, (void*)(i + 1));
  for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  return 0;
}

/* A thread that is to be cancelled goes on to the next point where it may be,
 * and events are none. */
static volatile int cancel_passed;
static void* cancel_main(void* unused) {
  pthread_cancel(pthread_self());
  nodes(1, 20000);
  cancel_passed = 1;
  pthread_testcancel();
  cancel_passed = 2;
  return unused;
}

static int mode_cancel(void) {
  pthread_t thread;
  void* result = NULL;
  pthread_create(&thread, NULL, cancel_main, NULL);
  pthread_join(thread, &result);
  return cancel_passed == 1 && result == PTHREAD_CANCELED ? 0 : 1;
}

/* exit() while others are writing. */
static int mode_exit_threads(void) {
  pthread_t thread;
  for (uintptr_t i = 0; i < THREADS; i++)
    pthread_create(&thread, NULL, thread_main, (void*)(i + 1));
  usleep(3000);
  exit(5);
}

/* A library that comes late, records from its own code, and goes. */
static int mode_dlclose(void) {
  for (int i = 0; i < 3; i++) {
    void* library = dlopen(argument, RTLD_NOW | RTLD_LOCAL);
    if (!library) return 1;
    void (*record)(uint64_t);
    void* found = dlsym(library, "late_record");
    memcpy(&record, &found, sizeof found);
    record(1000 + (uint64_t)i);
    dlclose(library);
  }
  nodes(1, 10);
  return 0;
}

static int mode_marks(void) {
  fake_node("Before", 1, 0);
  fake_mark("begin");
  fake_node("Within", 2, 0);
  fake_mark("end");
  fake_node("After", 3, 0);
  return 0;
}

static int mode_signals(void) {
  fake_node("Before", 1, 0);
  raise(SIGUSR1);
  fake_node("Within", 2, 0);
  raise(SIGUSR2);
  fake_node("After", 3, 0);
  return 0;
}

static int mode_times(void) {
  fake_node("Before", 1, 0);
  usleep(300000);
  fake_node("Within", 2, 0);
  usleep(300000);
  fake_node("After", 3, 0);
  return 0;
}

static int mode_many(void) {
  unsigned count = argument ? (unsigned)atoi(argument) : 100000;
  nodes(1, count);
  printf("done\n");
  return 0;
}

/* A chain whose every function is known by name to the test. */
__attribute__((noinline)) void stack_leaf(uint64_t id) {
  fake_node("Leaf", id, 0);
  __asm__ volatile("");
}
__attribute__((noinline)) int stack_recurse(int depth, uint64_t id) {
  volatile char room[64];
  room[depth % 64] = (char)depth;
  if (depth == 0) {
    stack_leaf(id);
    return room[0];
  }
  return stack_recurse(depth - 1, id) + room[depth % 64];
}
static int mode_stacks(void) {
  stack_recurse(0, 1);
  stack_recurse(15, 2);
  stack_recurse(100, 3);
  return 0;
}

static const struct {
  const char* name;
  int (*run)(void);
} modes[] = {
    {"all", mode_all},
    {"plain", mode_plain},
    {"kill", mode_kill},
    {"segv", mode_segv},
    {"abort", mode_abort},
    {"signal", mode_signal},
    {"divide", mode_divide},
    {"signal_own", mode_signal_own},
    {"overflow", mode_overflow},
    {"abort_caught", mode_abort_caught},
    {"exit_at_once", mode_exit_at_once},
    {"quick_exit", mode_quick_exit},
    {"exec_fails", mode_exec_fails},
    {"exec_list", mode_exec_list},
    {"vfork", mode_vfork},
    {"exit_in_handler", mode_exit_in_handler},
    {"malloc_in_handler", mode_malloc_in_handler},
    {"fork", mode_fork},
    {"fork_silent", mode_fork_silent},
    {"fork_exec", mode_fork_exec},
    {"exec", mode_exec},
    {"threads", mode_threads},
    {"exit_threads", mode_exit_threads},
    {"cancel", mode_cancel},
    {"dlclose", mode_dlclose},
    {"marks", mode_marks},
    {"signals", mode_signals},
    {"times", mode_times},
    {"many", mode_many},
    {"stacks", mode_stacks},
};

int main(int argc, char** argv) {
  if (argc > 2) argument = argv[2];
  for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
    if (strcmp(modes[i].name, argv[1]) == 0) return modes[i].run();
  fprintf(stderr, "usage: fake_program MODE [ARGUMENT]\n");
  return 98;
}
