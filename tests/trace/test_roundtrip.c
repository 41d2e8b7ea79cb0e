/* What is written is read: every event of the table, with random contents. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_put.h"
#include "trace_support.h"

typedef struct expected {
  trace_event* events;
  size_t count, seen;
} expected;

static void compare(void* user, const trace_event* event) {
  expected* e = user;
  assert_true(e->seen < e->count);
  test_same(event, &e->events[e->seen++]);
}

/* By the short way of trace_put.h, at the event's time; false where it is not
 * for this event. */
static bool put_usual(trace_writer* w, const trace_event* event) {
  trace_usual u;
  trace_now(); /* as whoever is refused would: the clock is kept in step */
  if (event->kind < TRACE_FIRST_EVENT || !trace_usual_enter(&u, w))
    return false;
  u.time = event->time;
  switch (event->kind) {
#define EVENT(number, id, name, text, ...) \
  case number:                             \
    return trace_usual_put_##id(&u, &event->id);
#include "events.def"
#undef EVENT
  }
  return false;
}

/* Definitions come first, so they are written first. */
static void round_trip(
    uint64_t seed, size_t count, uint32_t longest, bool usual) {
  test_random r = {seed, usual};
  size_t bytes = (size_t)512 << 20;
  test_pool pool = {malloc(bytes), bytes, 0};
  expected e = {calloc(count, sizeof(trace_event)), count, 0};
  const char* path = test_path("roundtrip.lzt");
  trace_writer_options options = {.chunk_bytes = 4096 << (seed % 7)};
  trace_writer* w = trace_writer_open(path, &options);
  assert_non_null(w);
  uint32_t kinds;
  const trace_event_info* table = trace_events(&kinds);
  uint32_t definitions = 0;
  size_t quickly = 0;
  while (table[definitions].kind < 16) definitions++;
  for (size_t i = 0; i < count; i++) {
    trace_event* event = &e.events[i];
    if (i < count / 4)
      event->kind = table[test_below(&r, definitions)].kind;
    else
      event->kind =
          table[definitions + test_below(&r, kinds - definitions)].kind;
    event->time = test_any(&r);
    if (!event->time) event->time = 1; /* 0 is now */
    test_fill(&r, &pool, longest, event);
    const bool quick = usual && put_usual(w, event);
    if (!quick) assert_true(test_put(w, event));
    quickly += quick;
  }
  if (usual) assert_in_range(quickly, count / 4, count * 3 / 4 - 100);
  assert_int_equal(trace_writer_lost(w), 0);
  trace_writer_close(w);
  trace_info info;
  assert_int_equal(test_read(path, compare, &e, &info), 0);
  assert_int_equal(e.seen, count);
  assert_int_equal(info.version, TRACE_VERSION);
  assert_int_equal(info.threads, 1);
  assert_true(info.finished);
  assert_false(info.truncated);
  assert_false(info.packed);
  free(e.events);
  free(pool.bytes);
}

static void small_events(void** state) {
  (void)state;
  for (uint64_t seed = 0; seed < 14; seed++) round_trip(seed, 4000, 6, false);
}

/* Most take the writer's short way; its limits are met from both sides. */
static void usual_events(void** state) {
  (void)state;
  for (uint64_t seed = 40; seed < 54; seed++) round_trip(seed, 8000, 12, true);
}

static void long_lists(void** state) {
  (void)state;
  for (uint64_t seed = 20; seed < 27; seed++)
    round_trip(seed, 300, 200000, false);
}

static void too_long_is_lost(void** state) {
  (void)state;
  trace_writer* w = trace_writer_open(test_path("long.lzt"), NULL);
  size_t length = 65u << 20;
  char* bytes = calloc(1, length);
  trace_note huge = {{bytes, (uint32_t)length}};
  trace_note small = {{"after", 5}};
  assert_false(trace_put_note(w, 0, &huge));
  assert_true(trace_put_note(w, 0, &small));
  assert_int_equal(trace_writer_lost(w), 1);
  trace_writer_close(w);
  trace_info info;
  assert_int_equal(test_read(test_path("long.lzt"), NULL, NULL, &info), 0);
  assert_int_equal(info.lost, 1);
  assert_true(info.truncated);
  free(bytes);
}

static void table_names_every_event_once(void** state) {
  (void)state;
  uint32_t count;
  const trace_event_info* table = trace_events(&count);
  for (uint32_t i = 0; i < count; i++) {
    assert_ptr_equal(trace_event_find(table[i].kind), &table[i]);
    assert_true(table[i].n_fields > 0);
    for (uint32_t k = 0; k < i; k++)
      assert_string_not_equal(table[i].name, table[k].name);
  }
  assert_null(trace_event_find(0));
  assert_null(trace_event_find(9999));
  assert_int_equal(trace_event_find(TRACE_EVENT_node)->n_fields, 7);
  assert_string_equal(trace_event_find(TRACE_EVENT_node)->name, "node");
}

static void interned(void* user, const trace_event* event) {
  uint32_t* seen = user;
  if (event->kind == TRACE_EVENT_string) seen[0]++;
  if (event->kind == TRACE_EVENT_stack) {
    seen[1]++;
    assert_int_equal(event->stack.frames.count, 3);
    assert_int_equal(event->stack.frames.ids[2], event->stack.id);
  }
  if (event->kind == TRACE_EVENT_location) seen[2]++;
}

static void interning(void** state) {
  (void)state;
  enum { COUNT = 50000 };
  const char* path = test_path("intern.lzt");
  trace_writer* w = trace_writer_open(path, NULL);
  assert_int_equal(trace_writer_string(w, "", 0), 0);
  assert_int_equal(trace_writer_stack(w, NULL, 0), 0);
  uint32_t* ids = calloc(COUNT, sizeof *ids);
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < COUNT; i++) {
      char text[32];
      int n = snprintf(text, sizeof text, "string %u", i);
      uint32_t id = trace_writer_string(w, text, (size_t)n);
      assert_true(id != 0);
      if (pass == 0) ids[i] = id;
      assert_int_equal(id, ids[i]);
      uint64_t frames[3] = {i, UINT64_MAX - i, i + 1};
      assert_int_equal(trace_writer_stack(w, frames, 3), i + 1);
    }
  uint32_t a = trace_writer_location(w, "a.py", 3, "f");
  assert_true(a != 0);
  assert_int_equal(trace_writer_location(w, "a.py", 3, "f"), a);
  assert_int_not_equal(trace_writer_location(w, "a.py", 4, "f"), a);
  assert_int_not_equal(trace_writer_location(w, "a.py", 3, "g"), a);
  trace_writer_close(w);
  uint32_t seen[3] = {0};
  assert_int_equal(test_read(path, interned, seen, NULL), 0);
  assert_int_equal(seen[0], COUNT + 3);
  assert_int_equal(seen[1], COUNT);
  assert_int_equal(seen[2], 3);
  free(ids);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_events),
      cmocka_unit_test(usual_events),
      cmocka_unit_test(long_lists),
      cmocka_unit_test(too_long_is_lost),
      cmocka_unit_test(table_names_every_event_once),
      cmocka_unit_test(interning),
  };
  return cmocka_run_group_tests_name("trace round trip", tests, NULL, NULL);
}
