/* Files that are cut, damaged or no traces at all: one line, never a crash, and
 * what is complete is delivered. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_scan.h"
#include "trace_support.h"

enum { EVENTS = 600 };

/* The sample: one thread, chunks of a page; marks from 0 on, names defined. */
static uint8_t* sample;
static size_t sample_size;
static uint8_t* packed;
static size_t packed_size;

static uint8_t* slurp(const char* path, size_t* size) {
  struct stat st;
  int fd = open(path, O_RDONLY);
  assert_true(fd >= 0 && fstat(fd, &st) == 0);
  uint8_t* bytes = malloc((size_t)st.st_size);
  assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
  close(fd);
  *size = (size_t)st.st_size;
  return bytes;
}

static int make_sample(void** state) {
  (void)state;
  char path[128], packed_path[128], error[256];
  strcpy(path, test_path("sample.lzt"));
  strcpy(packed_path, test_path("packed.lzt"));
  trace_writer_options options = {.chunk_bytes = 4096};
  trace_writer* w = trace_writer_open(path, &options);
  for (uint64_t i = 0; i < EVENTS; i++) {
    char name[16];
    int n = snprintf(name, sizeof name, "n%u", (unsigned)i / 50);
    uint64_t inputs[3] = {i, i * i, 7};
    trace_node event = {
        .id = i,
        .op = trace_writer_string(w, name, (size_t)n),
        .inputs = {inputs, 3}};
    trace_put_node(w, 0, &event);
  }
  trace_writer_close(w);
  if (trace_pack(path, packed_path, error, sizeof error) != 0)
    fail_msg("%s", error);
  sample = slurp(path, &sample_size);
  packed = slurp(packed_path, &packed_size);
  return 0;
}

static int free_sample(void** state) {
  (void)state;
  free(sample);
  free(packed);
  return 0;
}

/* A file in memory, opened by its name below /proc. */
static int memory_fd = -1;
static char memory_path[64];

static void write_memory(const uint8_t* bytes, size_t size) {
  if (memory_fd < 0) {
    memory_fd = memfd_create("trace", 0);
    snprintf(memory_path, sizeof memory_path, "/proc/self/fd/%d", memory_fd);
  }
  assert_int_equal(ftruncate(memory_fd, 0), 0);
  assert_int_equal(pwrite(memory_fd, bytes, size, 0), size);
}

typedef struct outcome {
  int status; /* of the last call, or 1 where it could not be opened */
  uint64_t nodes, strings, gap;
  char error[512];
} outcome;

static void one_line(const char* text) {
  assert_non_null(text);
  assert_non_null(strstr(text, memory_path));
  assert_null(strchr(text, '\n'));
  assert_true(strlen(text) > strlen(memory_path) + 5);
}

static outcome read_memory(void) {
  outcome o = {.status = 1};
  trace_reader* r = trace_reader_open(memory_path, o.error, sizeof o.error);
  if (!r) {
    one_line(o.error);
    return o;
  }
  trace_event event;
  uint64_t next = 0;
  while ((o.status = trace_reader_next(r, &event)) == 1) {
    if (event.kind == TRACE_EVENT_node) {
      assert_true(o.nodes == 0 || event.node.id >= next);
      next = event.node.id + 1;
      o.nodes++;
    } else if (event.kind == TRACE_EVENT_gap) {
      o.gap += event.gap.events;
    } else if (event.kind == TRACE_EVENT_string) {
      o.strings++;
    }
  }
  if (o.status < 0) {
    one_line(trace_reader_error(r));
    snprintf(o.error, sizeof o.error, "%s", trace_reader_error(r));
  }
  assert_int_equal(trace_reader_next(r, &event), o.status);
  double progress = trace_reader_progress(r);
  assert_true(progress >= 0 && progress <= 1);
  trace_reader_close(r);
  return o;
}

static void whole(void** state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    write_memory(i ? packed : sample, i ? packed_size : sample_size);
    outcome o = read_memory();
    assert_int_equal(o.status, 0);
    assert_int_equal(o.nodes, EVENTS);
    assert_int_equal(o.strings, EVENTS / 50);
    assert_int_equal(o.gap, 0);
  }
}

/* Cut at every byte: always said, never more than there is, never less than
 * before. */
static void cut_everywhere(const uint8_t* bytes, size_t size) {
  write_memory(bytes, size);
  uint64_t last = EVENTS;
  for (size_t n = size; n-- > 0;) {
    assert_int_equal(ftruncate(memory_fd, (off_t)n), 0);
    outcome o = read_memory();
    assert_true(o.status != 0);
    assert_true(o.status > 0 ? o.nodes == 0 : o.nodes <= last);
    last = o.nodes;
  }
}

static void truncated(void** state) {
  (void)state;
  cut_everywhere(sample, sample_size);
  cut_everywhere(packed, packed_size);
}

/* The offset of the nth chunk of events. */
static size_t chunk_at(const uint8_t* bytes, size_t size, unsigned n) {
  char error[256];
  write_memory(bytes, size);
  trace_scan s;
  assert_int_equal(trace_scan_open(&s, memory_path, error, sizeof error), 0);
  size_t found = 0;
  for (size_t i = 0; i < s.n_chunks; i++)
    if (s.chunks[i].header.kind == TRACE_CHUNK_EVENTS &&
        s.chunks[i].header.sequence == n)
      found = s.chunks[i].offset;
  trace_scan_close(&s);
  assert_true(found > 0);
  return found;
}

/* Damage in the middle costs the chunk it is in, and no other. */
static void damage_in_the_middle(void** state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++) {
    const uint8_t* bytes = kind ? packed : sample;
    size_t size = kind ? packed_size : sample_size;
    size_t at = chunk_at(bytes, size, 2);
    /* In the magic, the check, the size, the payload. */
    const size_t places[] = {0, 5, 9, 64 + 30};
    for (unsigned i = 0; i < 4; i++) {
      uint8_t* damaged = malloc(size);
      memcpy(damaged, bytes, size);
      damaged[at + places[i]] ^= 0xff;
      if (i == 3) memset(damaged + at + 64, 0xff, 40);
      write_memory(damaged, size);
      outcome o = read_memory();
      assert_int_equal(o.status, -1);
      assert_non_null(strstr(o.error, "offset"));
      assert_true(o.nodes > EVENTS / 2 && o.nodes < EVENTS);
      assert_int_equal(o.nodes + o.gap, EVENTS);
      assert_int_equal(o.strings, EVENTS / 50);
      free(damaged);
    }
  }
}

static void random_damage(void** state) {
  (void)state;
  test_random r = {.state = 99};
  for (int i = 0; i < 20000; i++) {
    const uint8_t* bytes = i & 1 ? packed : sample;
    size_t size = i & 1 ? packed_size : sample_size;
    uint8_t* damaged = malloc(size);
    memcpy(damaged, bytes, size);
    for (uint64_t n = 1 + test_below(&r, 8); n > 0; n--) {
      /* Mostly where something is written. */
      size_t at = test_below(&r, size);
      for (int tries = 0; tries < 20 && !damaged[at]; tries++)
        at = test_below(&r, size);
      damaged[at] ^= (uint8_t)(1u << test_below(&r, 8));
    }
    write_memory(damaged, size);
    free(damaged);
    char error[512];
    trace_reader* reader = trace_reader_open(memory_path, error, sizeof error);
    trace_event event;
    uint64_t events = 0;
    while (reader && trace_reader_next(reader, &event) == 1) events++;
    assert_true(events < 4 * EVENTS);
    trace_reader_close(reader);
  }
}

static void expect(const char* path, const char* text) {
  char error[512] = "";
  assert_null(trace_reader_open(path, error, sizeof error));
  assert_non_null(strstr(error, path));
  if (!strstr(error, text)) fail_msg("'%s' does not say '%s'", error, text);
  assert_null(strchr(error, '\n'));
  assert_int_equal(trace_pack(path, test_path("out"), error, sizeof error), 1);
  assert_non_null(strstr(error, text));
  assert_int_equal(access(test_path("out"), F_OK), -1);
}

static void foreign(void** state) {
  (void)state;
  static const uint8_t png[64] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
  write_memory(png, sizeof png);
  expect(memory_path, "not a Lazuli trace");
  write_memory((const uint8_t*)"a", 1);
  expect(memory_path, "not a Lazuli trace");
  write_memory(NULL, 0);
  expect(memory_path, "empty file");
  expect("/", "directory");
  expect("/dev/null", "not a regular file");
  expect("/nowhere/at/all.lzt", "No such file");
  expect("/proc/self/exe", "not a Lazuli trace");
  write_memory(sample, 20);
  expect(memory_path, "cut off at offset 20");
  uint8_t other[sizeof(trace_file_header)];
  memcpy(other, sample, sizeof other);
  other[8] = 9;
  write_memory(other, sizeof other);
  expect(memory_path, "trace format 9; this program reads format 1");
  memcpy(other, sample, sizeof other);
  other[13] = 77;
  write_memory(other, sizeof other);
  expect(memory_path, "damaged header");
}

/* A chunk that has become zeros is missed by its neighbours. */
static void zeroed_chunk(void** state) {
  (void)state;
  uint8_t* damaged = malloc(sample_size);
  memcpy(damaged, sample, sample_size);
  memset(damaged + chunk_at(sample, sample_size, 2), 0, 4096);
  write_memory(damaged, sample_size);
  outcome o = read_memory();
  assert_int_equal(o.status, -1);
  assert_non_null(strstr(o.error, "are missing before this chunk"));
  assert_true(o.gap > 0);
  assert_int_equal(o.nodes + o.gap, EVENTS);
  free(damaged);
}

/* A terabyte of nothing behind the header must not take long. */
static void sparse(void** state) {
  (void)state;
  trace_file_header header;
  memcpy(&header, sample, sizeof header);
  write_memory(sample, sample_size);
  assert_int_equal(ftruncate(memory_fd, (off_t)1 << 40), 0);
  outcome o = read_memory();
  assert_int_equal(o.status, 0);
  assert_int_equal(o.nodes, EVENTS);
}

static void append(uint8_t* bytes, size_t* size, const void* more, size_t n) {
  memcpy(bytes + *size, more, n);
  *size += n;
}

/* Kinds and fields of later versions are skipped, fields that an older version
 * did not have are zero. */
static void other_versions(void** state) {
  (void)state;
  static const uint8_t events[] = {
      200, 7,  1, 0, 0, 0, 'x', 'y', 'z',      /* an unknown kind */
      66,  8,  1, 0, 0, 0, 5,   'a', 'b', 'c', /* finish, and more fields */
      33,  8,  1, 0, 0, 0, 9,   0,   0,   0,   /* kernel-end, the id alone */
      255, 44, 1, 0, 0, 4, 1,   0,   0,   0,   /* kind 300 */
      66,  4,  1, 0, 0, 0,                     /* finish without fields */
  };
  uint8_t bytes[8192] = {0};
  size_t size = 4096;
  memcpy(bytes, sample, 4096);
  ((trace_file_header*)bytes)->finished = 0;
  trace_chunk_header c;
  memcpy(&c, sample + chunk_at(sample, sample_size, 0), sizeof c);
  c.size = 4096;
  c.base_time = c.first_time = 1000;
  c.used = sizeof events;
  c.check = trace_chunk_check(&c, 4096);
  append(bytes, &size, &c, sizeof c);
  append(bytes, &size, events, sizeof events);
  write_memory(bytes, sizeof bytes);
  char error[256];
  trace_reader* r = trace_reader_open(memory_path, error, sizeof error);
  assert_non_null(r);
  trace_event e;
  assert_int_equal(trace_reader_next(r, &e), 1);
  assert_int_equal(e.kind, 200);
  assert_int_equal(e.time, 1001);
  assert_int_equal(trace_reader_next(r, &e), 1);
  assert_int_equal(e.kind, TRACE_EVENT_finish);
  assert_int_equal(e.finish.status, 5);
  assert_int_equal(trace_reader_next(r, &e), 1);
  assert_int_equal(e.kind, TRACE_EVENT_kernel_end);
  assert_int_equal(e.kernel_end.kernel, 9);
  assert_int_equal(e.kernel_end.begin_ns, 0);
  assert_int_equal(e.kernel_end.flops, 0);
  assert_int_equal(trace_reader_next(r, &e), 1);
  assert_int_equal(e.kind, 300);
  assert_int_equal(trace_reader_next(r, &e), 1);
  assert_int_equal(e.kind, TRACE_EVENT_finish);
  assert_int_equal(e.time, 1005);
  assert_int_equal(e.finish.status, 0);
  assert_int_equal(trace_reader_next(r, &e), 0);
  trace_reader_close(r);
}

/* A ring that says its chunks have no size must not stop the scan. */
static void ring_without_size(void** state) {
  (void)state;
  uint8_t bytes[4096 + 128] = {0};
  trace_file_header header;
  memcpy(&header, sample, sizeof header);
  header.flags = TRACE_FLAG_RING;
  header.chunk_bytes = 0;
  header.align = 64;
  header.finished = 0;
  header.check = trace_file_check(&header);
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + 4096, "LZCK", 4);
  write_memory(bytes, sizeof bytes);
  outcome o = read_memory();
  assert_int_equal(o.status, 0);
  assert_int_equal(o.nodes, 0);
}

static void packing_refuses_damage(void** state) {
  (void)state;
  uint8_t* damaged = malloc(sample_size);
  memcpy(damaged, sample, sample_size);
  memset(damaged + chunk_at(sample, sample_size, 1), 0xee, 64);
  write_memory(damaged, sample_size);
  char error[512];
  assert_int_equal(
      trace_pack(memory_path, test_path("out"), error, sizeof error), 1);
  one_line(error);
  write_memory(packed, packed_size);
  assert_int_equal(
      trace_pack(memory_path, test_path("out"), error, sizeof error), 1);
  assert_non_null(strstr(error, "packed already"));
  write_memory(sample, sample_size);
  assert_int_equal(
      trace_pack(memory_path, "/nowhere/out", error, sizeof error), 1);
  assert_non_null(strstr(error, "/nowhere/out: No such file"));
  const char* link = test_path("device");
  assert_int_equal(symlink("/dev/full", link), 0);
  assert_int_equal(trace_pack(memory_path, link, error, sizeof error), 1);
  assert_non_null(strstr(error, "not a regular file"));
  free(damaged);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole),
      cmocka_unit_test(truncated),
      cmocka_unit_test(damage_in_the_middle),
      cmocka_unit_test(random_damage),
      cmocka_unit_test(foreign),
      cmocka_unit_test(zeroed_chunk),
      cmocka_unit_test(sparse),
      cmocka_unit_test(other_versions),
      cmocka_unit_test(ring_without_size),
      cmocka_unit_test(packing_refuses_damage),
  };
  return cmocka_run_group_tests_name(
      "corrupt traces", tests, make_sample, free_sample);
}
