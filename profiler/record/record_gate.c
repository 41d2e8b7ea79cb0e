/* --start and --stop: when events are written and when they are not. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "record.h"

/* `shut_ns` is when writing stopped, 0 while it goes on. */
static struct {
  _Atomic uint64_t shut_ns;
  _Atomic uint64_t gap_ns; /* a gap ended that is not written yet: its begin */
  _Atomic uint64_t gap_end_ns;
  uint64_t origin_ns;
  bool started; /* by the clock; that happens once */
  struct sigaction before[NSIG];
} gate;

static int gate_when_open(void) {
  return record.options.stop.kind == RECORD_WHEN_TIME ? RECORD_TIMED
                                                      : RECORD_OPEN;
}

static void gate_open(void) {
  uint64_t shut = atomic_exchange(&gate.shut_ns, 0);
  if (shut) {
    atomic_store(&gate.gap_end_ns, trace_now());
    atomic_store(&gate.gap_ns, shut);
  }
  /* The next event looks, finds the gap and writes it. */
  atomic_store(&record.gate, shut ? RECORD_TIMED : gate_when_open());
}

static void gate_shut(int to) {
  uint64_t none = 0;
  atomic_compare_exchange_strong(&gate.shut_ns, &none, trace_now());
  atomic_store(&record.gate, to);
}

static bool gate_is_shut(void) {
  return atomic_load(&gate.shut_ns) != 0;
}

static void gate_signal(int number, siginfo_t* info, void* context) {
  int saved = errno;
  bool shut = gate_is_shut();
  const record_options* o = &record.options;
  if (shut && o->start.kind == RECORD_WHEN_SIGNAL && o->start.signal == number)
    gate_open();
  else if (
      !shut && o->stop.kind == RECORD_WHEN_SIGNAL && o->stop.signal == number)
    gate_shut(RECORD_SHUT);
  const struct sigaction* before = &gate.before[number];
  if (before->sa_flags & SA_SIGINFO)
    before->sa_sigaction(number, info, context);
  else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
    before->sa_handler(number);
  errno = saved;
}

static void gate_listen(const record_when* when) {
  struct sigaction action = {
      .sa_sigaction = gate_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  struct sigaction before;
  if (when->kind != RECORD_WHEN_SIGNAL) return;
  sigemptyset(&action.sa_mask);
  if (sigaction(when->signal, &action, &before) == 0 &&
      before.sa_sigaction != gate_signal)
    gate.before[when->signal] = before;
}

void record_gate_init(void) {
  gate.origin_ns = trace_now();
  gate.started = false;
  atomic_store(&gate.shut_ns, 0);
  atomic_store(&gate.gap_ns, 0);
  gate_listen(&record.options.start);
  gate_listen(&record.options.stop);
  switch (record.options.start.kind) {
    case RECORD_WHEN_NEVER:
      gate_open();
      break;
    case RECORD_WHEN_TIME:
      gate_shut(RECORD_TIMED);
      break;
    default:
      gate_shut(RECORD_SHUT);
  }
}

bool record_gate_clock(void) {
  uint64_t since = trace_now() - gate.origin_ns;
  const record_options* o = &record.options;
  if (gate_is_shut()) {
    if (gate.started || o->start.kind != RECORD_WHEN_TIME ||
        since < o->start.ns)
      return false;
    gate.started = true;
    gate_open();
  }
  if (o->stop.kind == RECORD_WHEN_TIME && since >= o->stop.ns) {
    gate_shut(RECORD_SHUT);
    return false;
  }
  return true;
}

void record_gate_mark_before(const char* name) {
  const record_when* start = &record.options.start;
  if (start->kind == RECORD_WHEN_MARK && gate_is_shut() &&
      strcmp(start->mark, name) == 0)
    gate_open();
}

void record_gate_mark_after(const char* name) {
  const record_when* stop = &record.options.stop;
  if (stop->kind == RECORD_WHEN_MARK && !gate_is_shut() &&
      strcmp(stop->mark, name) == 0)
    gate_shut(RECORD_SHUT);
}

void record_gate_gap(record_thread* t) {
  uint64_t begin = atomic_exchange(&gate.gap_ns, 0);
  int timed = RECORD_TIMED;
  if (!begin) return;
  RECORD_PUT(
      t, gap, {.begin_ns = begin, .end_ns = atomic_load(&gate.gap_end_ns)});
  atomic_compare_exchange_strong(&record.gate, &timed, gate_when_open());
}

void record_gate_finish(record_thread* t) {
  uint64_t shut = atomic_load(&gate.shut_ns);
  if (shut)
    RECORD_PUT(t, gap, {.begin_ns = shut, .end_ns = trace_now(), .events = 0});
}
