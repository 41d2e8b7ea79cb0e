#include "trace_support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

uint64_t test_next(test_random* r) {
  uint64_t z = r->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t test_below(test_random* r, uint64_t n) {
  return test_next(r) % n;
}

uint64_t test_any(test_random* r) {
  static const uint64_t edges[] = {
      253,
      255,
      65534,
      65535,
      1 << 30,
      INT32_MAX,
      UINT32_MAX - 1u,
      UINT32_MAX,
      INT64_MAX,
      UINT64_MAX};
  if (r->usual)
    return test_below(r, 40)
               ? test_below(r, 250)
               : edges[test_below(r, sizeof edges / sizeof *edges)] +
                     test_below(r, 3);
  return test_next(r) >> test_below(r, 64);
}

void* test_take(test_pool* pool, size_t bytes) {
  bytes = (bytes + 15) & ~(size_t)15;
  assert_true(pool->size - pool->used >= bytes);
  void* p = pool->bytes + pool->used;
  pool->used += bytes;
  return p;
}

static uint32_t test_length(test_random* r, uint32_t longest) {
  return (uint32_t)test_below(r, (test_any(r) % longest) + 2);
}

static trace_arrays test_arrays(
    test_random* r, test_pool* pool, uint32_t longest) {
  uint32_t count = test_length(r, longest < 64 ? longest : 64);
  trace_array* arrays = test_take(pool, count * sizeof *arrays);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t ndim =
        (uint8_t)(test_below(r, 16) ? test_below(r, 5) : test_below(r, 256));
    int32_t* shape = test_take(pool, ndim * sizeof *shape);
    for (unsigned d = 0; d < ndim; d++) shape[d] = (int32_t)test_any(r);
    arrays[i] = (trace_array){(uint8_t)test_next(r), ndim, shape};
  }
  return (trace_arrays){arrays, count};
}

void test_fill(
    test_random* r, test_pool* pool, uint32_t longest, trace_event* event) {
  const trace_event_info* info = trace_event_find(event->kind);
  assert_non_null(info);
  for (uint32_t i = 0; i < info->n_fields; i++) {
    uint8_t* at = (uint8_t*)&event->process + info->fields[i].offset;
    uint32_t length = test_length(r, longest);
    switch (info->fields[i].type) {
      case TRACE_U8:
        *at = (uint8_t)test_next(r);
        break;
      case TRACE_U32:
      case TRACE_STR:
      case TRACE_STACK:
        *(uint32_t*)(void*)at = (uint32_t)test_any(r);
        break;
      case TRACE_U64:
      case TRACE_NS:
        *(uint64_t*)(void*)at = test_any(r);
        break;
      case TRACE_TEXT: {
        char* bytes = test_take(pool, length);
        for (uint32_t k = 0; k < length; k++) bytes[k] = (char)test_next(r);
        *(trace_text*)(void*)at = (trace_text){bytes, length};
        break;
      }
      case TRACE_IDS: {
        uint64_t* ids = test_take(pool, length * sizeof *ids);
        for (uint32_t k = 0; k < length; k++) ids[k] = test_any(r);
        *(trace_ids*)(void*)at = (trace_ids){ids, length};
        break;
      }
      case TRACE_ARRAYS:
        *(trace_arrays*)(void*)at = test_arrays(r, pool, longest);
        break;
    }
  }
}

bool test_put(trace_writer* w, const trace_event* event) {
  switch (event->kind) {
#define EVENT(number, id, name, text, ...) \
  case number:                             \
    return trace_put_##id(w, event->time, &event->id);
#include "events.def"
#undef EVENT
  }
  return false;
}

static void test_same_arrays(trace_arrays a, trace_arrays b) {
  assert_int_equal(a.count, b.count);
  for (uint32_t i = 0; i < a.count; i++) {
    assert_int_equal(a.arrays[i].dtype, b.arrays[i].dtype);
    assert_int_equal(a.arrays[i].ndim, b.arrays[i].ndim);
    for (unsigned d = 0; d < a.arrays[i].ndim; d++)
      assert_int_equal(a.arrays[i].shape[d], b.arrays[i].shape[d]);
  }
}

void test_same(const trace_event* a, const trace_event* b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->time, b->time);
  const trace_event_info* info = trace_event_find(a->kind);
  for (uint32_t i = 0; i < info->n_fields; i++) {
    const void* x = (const uint8_t*)&a->process + info->fields[i].offset;
    const void* y = (const uint8_t*)&b->process + info->fields[i].offset;
    switch (info->fields[i].type) {
      case TRACE_U8:
        assert_memory_equal(x, y, 1);
        break;
      case TRACE_U32:
      case TRACE_STR:
      case TRACE_STACK:
        assert_memory_equal(x, y, 4);
        break;
      case TRACE_U64:
      case TRACE_NS:
        assert_memory_equal(x, y, 8);
        break;
      case TRACE_TEXT: {
        const trace_text *s = x, *t = y;
        assert_int_equal(s->length, t->length);
        assert_memory_equal(s->bytes, t->bytes, s->length);
        break;
      }
      case TRACE_IDS: {
        const trace_ids *s = x, *t = y;
        assert_int_equal(s->count, t->count);
        assert_memory_equal(s->ids, t->ids, s->count * sizeof *s->ids);
        break;
      }
      case TRACE_ARRAYS:
        test_same_arrays(*(const trace_arrays*)x, *(const trace_arrays*)y);
        break;
    }
  }
}

static char folder[64];

static void test_remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) fprintf(stderr, "cannot remove %s\n", folder);
}

static pid_t owner;
static void test_at_exit(void) {
  if (getpid() == owner) test_remove_folder();
}

int test_fork(void) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    alarm(60);
  }
  return child;
}

const char* test_path(const char* name) {
  static char paths[8][128];
  static unsigned next;
  if (!folder[0]) {
    strcpy(folder, "/tmp/lazuli-trace-XXXXXX");
    if (!mkdtemp(folder)) abort();
    owner = getpid();
    atexit(test_at_exit);
  }
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

int test_read(
    const char* path,
    void (*each)(void* user, const trace_event* event),
    void* user,
    trace_info* info) {
  char error[512] = "";
  trace_reader* r = trace_reader_open(path, error, sizeof error);
  if (!r) fail_msg("%s", error);
  trace_event event;
  int status;
  while ((status = trace_reader_next(r, &event)) == 1)
    if (each) each(user, &event);
  if (status < 0) print_message("%s\n", trace_reader_error(r));
  if (info) trace_reader_info(r, info);
  assert_true((status < 0) == (trace_reader_error(r) != NULL));
  trace_reader_close(r);
  return status;
}
