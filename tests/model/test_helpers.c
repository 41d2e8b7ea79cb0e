/* Which line a node is said to come from where wrappers stand in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "build_trace.h"
#include "model.h"

typedef struct line {
  const char* function;
  uint32_t number;
} line;

/* A node whose stack is these lines of a.c, the innermost first. */
static void put(build* b, const line* lines, uint32_t count) {
  uint64_t frames[8];
  for (uint32_t i = 0; i < count; i++)
    frames[i] =
        TRACE_FRAME_LOCATION |
        trace_writer_location(b->w, "/a.c", lines[i].number, lines[i].function);
  build_node(b, "Add", trace_writer_stack(b->w, frames, count), 1, 0, NULL);
}

#define PUT(b, ...)                                 \
  do {                                              \
    const line lines_[] = {__VA_ARGS__};            \
    put(b, lines_, sizeof lines_ / sizeof *lines_); \
  } while (0)

static model* load(void (*story)(build*)) {
  char path[64], error[256] = "";
  snprintf(path, sizeof path, "/tmp/lazuli-helpers-%d.lzt", (int)getpid());
  build b = build_begin(path);
  story(&b);
  build_finish(&b, 0);
  model* m = model_load(path, NULL, error, sizeof error);
  unlink(path);
  if (!m) fail_msg("%s", error);
  return m;
}

static void sites(const model* m, const uint32_t* lines, uint32_t count) {
  assert_int_equal(m->n_nodes, count);
  for (uint32_t i = 0; i < count; i++) {
    const model_frame* f = model_site(m, m->nodes[i].stack);
    assert_non_null(f);
    assert_int_equal(f->line, lines[i]);
  }
}

static void wrapped(build* b) {
  for (uint32_t i = 0; i < 4; i++)
    PUT(b, {"binary", 7}, {"layer", 40 + i}, {"main", 90});
}

static void test_wrapper(void** state) {
  (void)state;
  model* m = load(wrapped);
  const uint32_t want[] = {40, 41, 42, 43};
  sites(m, want, 4);
  /* What was recorded stays as it is. */
  const model_stack* s = &m->stacks[m->nodes[0].stack];
  assert_int_equal(s->count, 3);
  assert_int_equal(m->frames[s->first].line, 7);
  model_free(m);
}

/* scaled() calls binary(), and so does layer(): both are stepped out of. */
static void twice_wrapped(build* b) {
  for (uint32_t i = 0; i < 4; i++) {
    PUT(b, {"binary", 7}, {"scaled", 12}, {"layer", 40 + i}, {"main", 90});
    PUT(b, {"binary", 7}, {"layer", 60 + i}, {"main", 90});
  }
}

static void test_wrapper_of_wrapper(void** state) {
  (void)state;
  model* m = load(twice_wrapped);
  const uint32_t want[] = {40, 60, 41, 61, 42, 62, 43, 63};
  sites(m, want, 8);
  model_free(m);
}

/* Not helpers: called from too few lines; with lines enough of its own; called
 * by itself alone; called by none. */
static void others(build* b) {
  for (uint32_t i = 0; i < 3; i++)
    PUT(b, {"descend", 7}, {"step", 40 + i}, {"main", 90});
  for (uint32_t i = 0; i < 4; i++)
    PUT(b, {"block", 20 + i % 2}, {"forward", 50 + i}, {"main", 90});
  for (uint32_t i = 0; i < 4; i++)
    PUT(b, {"walk", 30}, {"walk", 31 + i}, {"main", 91});
  for (uint32_t i = 0; i < 4; i++)
    PUT(b, {"work", 80}, {"other", 70 + i}, {"main", 92});
  PUT(b, {"work", 80});
}

static void test_no_wrapper(void** state) {
  (void)state;
  model* m = load(others);
  const uint32_t want[] = {
      7, 7, 7, 20, 21, 20, 21, 30, 30, 30, 30, 80, 80, 80, 80, 80};
  sites(m, want, 16);
  model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrapper),
      cmocka_unit_test(test_wrapper_of_wrapper),
      cmocka_unit_test(test_no_wrapper),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
