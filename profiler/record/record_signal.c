/* Deaths by a signal.
 *
 * Where a signal would end the process, because nobody handles it, a handler of
 * ours writes `finish` first; then the signal ends the process as ever. SIGKILL
 * alone leaves no word, and what leaves no room for a handler: an overflown
 * stack.
 *
 * The program never sees that handler: who asks is told SIG_DFL, and who sets
 * SIG_DFL gets the handler again. It is there only while this process records;
 * an exec takes it away, as it does all handlers.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "lazuli/api.h"
#include "record.h"

/* What the functions below replace; exported by the C library under these names
 * too. */
extern int __sigaction(
    int number, const struct sigaction* action, struct sigaction* before);
extern void (*bsd_signal(int number, void (*handler)(int)))(int);

/* Those whose default is to end the process, and that can be handled. */
static const int signal_fatal[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT, SIGBUS,
    SIGFPE,  SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,   SIGALRM, SIGTERM,
    SIGXCPU, SIGXFSZ, SIGPROF, SIGIO,   SIGVTALRM, SIGPWR,  SIGSYS};
#define SIGNALS (sizeof signal_fatal / sizeof *signal_fatal)

static bool signal_is_fatal(int number) {
  for (size_t i = 0; i < SIGNALS; i++)
    if (signal_fatal[i] == number) return true;
  return false;
}

/* Returning runs into it again; others have to be sent again. */
static bool signal_comes_back(int number, const siginfo_t* info) {
  return info->si_code > 0 && (number == SIGSEGV || number == SIGBUS ||
                               number == SIGILL || number == SIGFPE);
}

/* The default action is back already: SA_RESETHAND. */
static void signal_tell(int number, siginfo_t* info, void* context) {
  (void)context;
  int saved = errno;
  if (number == SIGABRT && !record_end_told())
    record_finish(UINT32_MAX, RECORD_END_ABORT);
  else if (number != SIGABRT)
    record_finish((uint32_t)number, RECORD_END_SIGNAL);
  if (!signal_comes_back(number, info)) raise(number);
  errno = saved;
}

static bool signal_is_ours(const struct sigaction* action) {
  return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == signal_tell;
}

static bool signal_is_default(const struct sigaction* action) {
  return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL;
}

static struct sigaction signal_ours(void) {
  struct sigaction ours = {
      .sa_sigaction = signal_tell,
      .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK};
  sigemptyset(&ours.sa_mask);
  return ours;
}

void record_signal_watch(void) {
  const struct sigaction ours = signal_ours();
  struct sigaction now;
  for (size_t i = 0; i < SIGNALS; i++)
    if (__sigaction(signal_fatal[i], NULL, &now) == 0 &&
        signal_is_default(&now))
      __sigaction(signal_fatal[i], &ours, NULL);
}

LAZULI_API int sigaction(
    int number, const struct sigaction* action, struct sigaction* before) {
  struct sigaction ours, was;
  const bool hides = action && signal_is_fatal(number) &&
                     signal_is_default(action) && record_is_awake();
  if (hides) {
    ours = signal_ours();
    action = &ours;
  }
  int failed = __sigaction(number, action, &was);
  if (failed || !before) return failed;
  if (signal_is_ours(&was)) {
    memset(&was, 0, sizeof was);
    was.sa_handler = SIG_DFL;
  }
  *before = was;
  return 0;
}

LAZULI_API void (*signal(int number, void (*handler)(int)))(int) {
  struct sigaction was;
  const bool known = __sigaction(number, NULL, &was) == 0;
  void (*before)(int) = bsd_signal(number, handler);
  if (before == SIG_ERR) return before;
  if (handler == SIG_DFL && signal_is_fatal(number) && record_is_awake()) {
    const struct sigaction ours = signal_ours();
    __sigaction(number, &ours, NULL);
  }
  return known && signal_is_ours(&was) ? SIG_DFL : before;
}
