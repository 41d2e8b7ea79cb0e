/* Waiting for a stream's tickets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/stream.h"

enum { TICKETS = 400, SLEEPERS = 8 };

/* Work that ends its tickets one by one, `pause` microseconds apart. */
typedef struct ticker {
  lz_work work;
  lz_stream* stream;
  uint64_t first;
  useconds_t pause;
} ticker;

static void tick(lz_work* work) {
  ticker* t = (ticker*)work;
  for (uint64_t i = 0; i < TICKETS; i++) {
    usleep(t->pause);
    stream_done(t->stream, t->first + i);
  }
}

static uint64_t start(ticker* t, lz_stream* s, useconds_t pause) {
  *t = (ticker){
      .work = {.run = tick},
      .stream = s,
      .first = atomic_fetch_add(&s->issued, TICKETS) + 1,
      .pause = pause};
  stream_submit(s, &t->work);
  return t->first;
}

typedef struct sleeper {
  pthread_t thread;
  lz_stream* stream;
  uint64_t first;
  int number;
  int early; /* times that a wait ended before what it was for */
} sleeper;

static void* sleep_often(void* arg) {
  sleeper* s = arg;
  for (uint64_t i = (uint64_t)s->number; i < TICKETS; i += 1 + i % 7) {
    stream_wait(s->stream, s->first + i, LAZULI_WAIT_EVAL, 0);
    s->early += !stream_is_done(s->stream, s->first + i);
  }
  return NULL;
}

/* Each of many waits for tickets of its own, in its own steps. */
static void many_wait(void** state) {
  lz_stream* s = *state;
  for (useconds_t pause = 0; pause < 600; pause += 250) {
    ticker t;
    sleeper all[SLEEPERS];
    const uint64_t first = start(&t, s, pause);
    for (int i = 0; i < SLEEPERS; i++) {
      all[i] = (sleeper){.stream = s, .first = first, .number = i};
      assert_int_equal(
          pthread_create(&all[i].thread, NULL, sleep_often, &all[i]), 0);
    }
    for (int i = 0; i < SLEEPERS; i++) {
      pthread_join(all[i].thread, NULL);
      assert_int_equal(all[i].early, 0);
    }
    stream_synchronize(s);
    /* The work is the stream's until it has returned. */
    while (!stream_try_enter(s)) usleep(100);
    stream_leave(s);
  }
}

/* Who waits for the last of many tickets sleeps through those before. */
static void slept_through(void** state) {
  lz_stream* s = *state;
  ticker t;
  struct rusage before, after;
  const uint64_t first = start(&t, s, 250);
  getrusage(RUSAGE_THREAD, &before);
  stream_wait(s, first + TICKETS - 1, LAZULI_WAIT_EVAL, 0);
  getrusage(RUSAGE_THREAD, &after);
  assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 0, TICKETS / 8);
  while (!stream_try_enter(s)) usleep(100);
  stream_leave(s);
}

static int setup(void** state) {
  *state = stream_new(DEVICE_CPU);
  return *state == NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_wait), cmocka_unit_test(slept_through)};
  alarm(120); /* a wake-up that is lost ends the test */
  return cmocka_run_group_tests(tests, setup, NULL);
}
