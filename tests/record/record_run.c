#include "record_run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static int run_remove(
    const char* path, const struct stat* is, int type, struct FTW* at) {
  (void)is, (void)type, (void)at;
  return remove(path);
}

void run_begin(void) {
  strcpy(directory, "/tmp/lazuli-record-XXXXXX");
  assert_non_null(mkdtemp(directory));
  assert_int_equal(chdir(directory), 0);
}

void run_end(void) {
  assert_int_equal(chdir("/"), 0);
  nftw(directory, run_remove, 16, FTW_DEPTH | FTW_PHYS);
}

const char* run_directory(void) {
  return directory;
}

const char* run_path(const char* variable) {
  const char* path = getenv(variable);
  if (!path) fail_msg("%s is not set: run by ctest", variable);
  return path;
}

bool run_exists(const char* path) {
  return access(path, F_OK) == 0;
}

static bool run_take(int fd, char* out, size_t size, size_t* length) {
  char rest[4096];
  size_t room = size - 1 - *length;
  ssize_t n =
      room ? read(fd, out + *length, room) : read(fd, rest, sizeof rest);
  if (n <= 0) return false;
  if (room) *length += (size_t)n;
  out[*length] = '\0';
  return true;
}

run_result run(
    const char* input,
    const char* const* environment,
    const char* const* argv) {
  run_result r = {0};
  int in[2], out[2], err[2];
  assert_int_equal(pipe2(in, O_CLOEXEC), 0);
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  assert_int_equal(pipe2(err, O_CLOEXEC), 0);
  r.pid = fork();
  if (r.pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    for (; environment && *environment; environment++)
      putenv((char*)*environment);
    execvp(argv[0], (char* const*)argv);
    _exit(127);
  }
  close(in[0]), close(out[1]), close(err[1]);
  if (input && write(in[1], input, strlen(input)) < 0) fail();
  close(in[1]);
  struct pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  size_t lengths[2] = {0, 0};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; i++) {
      if (fds[i].fd < 0 || !fds[i].revents) continue;
      if (!run_take(fds[i].fd, i ? r.err : r.out, sizeof r.out, &lengths[i])) {
        close(fds[i].fd);
        fds[i].fd = -1;
      }
    }
  }
  waitpid(r.pid, &r.status, 0);
  return r;
}

static void* run_copy(const void* bytes, size_t size) {
  void* copy = malloc(size + 1);
  assert_non_null(copy);
  if (size) memcpy(copy, bytes, size);
  ((char*)copy)[size] = '\0';
  return copy;
}

/* Lists and texts live only until the next event: keep copies. */
static void run_keep(trace_event* e) {
  const trace_event_info* info = trace_event_find(e->kind);
  for (uint32_t i = 0; info && i < info->n_fields; i++) {
    void* field = (char*)&e->process + info->fields[i].offset;
    if (info->fields[i].type == TRACE_TEXT) {
      trace_text* text = field;
      text->bytes = run_copy(text->bytes, text->length);
    } else if (info->fields[i].type == TRACE_IDS) {
      trace_ids* ids = field;
      ids->ids = run_copy(ids->ids, ids->count * sizeof *ids->ids);
    } else if (info->fields[i].type == TRACE_ARRAYS) {
      trace_arrays* arrays = field;
      trace_array* copy =
          run_copy(arrays->arrays, arrays->count * sizeof *copy);
      for (uint32_t k = 0; k < arrays->count; k++)
        copy[k].shape =
            run_copy(copy[k].shape, copy[k].ndim * sizeof *copy[k].shape);
      arrays->arrays = copy;
    }
  }
}

static void run_define(run_trace* t, const trace_event* e) {
  if (e->kind == TRACE_EVENT_string) {
    if (e->string.id >= t->n_strings) {
      size_t n = e->string.id + 64;
      t->strings = realloc(t->strings, n * sizeof *t->strings);
      memset(
          t->strings + t->n_strings,
          0,
          (n - t->n_strings) * sizeof *t->strings);
      t->n_strings = n;
    }
    t->strings[e->string.id] = (char*)e->string.text.bytes;
  } else if (e->kind == TRACE_EVENT_stack) {
    if (e->stack.id >= t->n_stacks) {
      size_t n = e->stack.id + 64;
      t->stacks = realloc(t->stacks, n * sizeof *t->stacks);
      memset(t->stacks + t->n_stacks, 0, (n - t->n_stacks) * sizeof *t->stacks);
      t->n_stacks = n;
    }
    uint32_t count = e->stack.frames.count;
    uint64_t* frames = malloc((count + 1) * sizeof *frames);
    frames[0] = count;
    memcpy(frames + 1, e->stack.frames.ids, count * sizeof *frames);
    t->stacks[e->stack.id] = frames;
  }
}

run_trace* run_read(const char* path) {
  char error[512] = "";
  run_trace* t = calloc(1, sizeof *t);
  trace_reader* r = trace_reader_open(path, error, sizeof error);
  if (!r) fail_msg("%s", error);
  size_t room = 0;
  trace_event e;
  int more;
  while ((more = trace_reader_next(r, &e)) == 1) {
    if (t->count == room) {
      room = room ? 2 * room : 1024;
      t->events = realloc(t->events, room * sizeof *t->events);
      assert_non_null(t->events);
    }
    run_keep(&e);
    t->events[t->count++].event = e;
    run_define(t, &e);
  }
  if (more < 0) {
    t->damaged = true;
    print_message("%s\n", trace_reader_error(r));
  }
  trace_reader_info(r, &t->info);
  trace_reader_close(r);
  return t;
}

void run_free(run_trace* t) {
  for (size_t i = 0; i < t->count; i++) {
    trace_event* e = &t->events[i].event;
    const trace_event_info* info = trace_event_find(e->kind);
    for (uint32_t k = 0; info && k < info->n_fields; k++) {
      void* field = (char*)&e->process + info->fields[k].offset;
      if (info->fields[k].type == TRACE_TEXT) {
        free((void*)((trace_text*)field)->bytes);
      } else if (info->fields[k].type == TRACE_IDS) {
        free((void*)((trace_ids*)field)->ids);
      } else if (info->fields[k].type == TRACE_ARRAYS) {
        trace_arrays* arrays = field;
        for (uint32_t a = 0; a < arrays->count; a++)
          free((void*)arrays->arrays[a].shape);
        free((void*)arrays->arrays);
      }
    }
  }
  for (size_t i = 0; i < t->n_stacks; i++) free(t->stacks[i]);
  free(t->stacks);
  free(t->strings);
  free(t->events);
  free(t);
}

size_t run_count(const run_trace* t, uint16_t kind) {
  size_t n = 0;
  for (size_t i = 0; i < t->count; i++) n += t->events[i].event.kind == kind;
  return n;
}

const trace_event* run_find(const run_trace* t, uint16_t kind, size_t n) {
  for (size_t i = 0; i < t->count; i++)
    if (t->events[i].event.kind == kind && n-- == 0) return &t->events[i].event;
  fail_msg("no such event of kind %u", kind);
  return NULL;
}

const char* run_string(const run_trace* t, uint32_t id) {
  return id < t->n_strings && t->strings[id] ? t->strings[id] : "";
}

bool run_text_is(trace_text text, const char* expected) {
  return text.length == strlen(expected) &&
         memcmp(text.bytes, expected, text.length) == 0;
}

size_t run_nodes_named(const run_trace* t, const char* op) {
  size_t n = 0;
  for (size_t i = 0; i < t->count; i++) {
    const trace_event* e = &t->events[i].event;
    n += e->kind == TRACE_EVENT_node &&
         strcmp(run_string(t, e->node.op), op) == 0;
  }
  return n;
}
