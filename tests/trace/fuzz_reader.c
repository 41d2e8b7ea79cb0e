/* Feeds the reader and the packer with broken traces.
 *
 *   fuzz_reader [SECONDS] [SEED]   mutates traces of its own making
 *
 * With -DFUZZ_LIBFUZZER it is a target for libFuzzer instead (see fuzz.sh). The
 * checksums of the format would keep most mutations at the door, so they are
 * put right again in every other input. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace_scan.h"

static int file = -1;
static char path[64];
static uint64_t sum; /* of all that was read, so that it is read */

static void fuzz_fail(const char* what) {
  fprintf(stderr, "fuzz_reader: %s\n", what);
  abort();
}

static void fuzz_bytes(const void* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) sum += ((const uint8_t*)bytes)[i];
}

/* Touches everything that an event points at. */
static void fuzz_touch(const trace_event* event) {
  const trace_event_info* info = trace_event_find(event->kind);
  for (uint32_t i = 0; info && i < info->n_fields; i++) {
    const void* at = (const uint8_t*)&event->process + info->fields[i].offset;
    if (info->fields[i].type == TRACE_TEXT) {
      const trace_text* text = at;
      fuzz_bytes(text->bytes, text->length);
    } else if (info->fields[i].type == TRACE_IDS) {
      const trace_ids* ids = at;
      fuzz_bytes(ids->ids, ids->count * sizeof *ids->ids);
    } else if (info->fields[i].type == TRACE_ARRAYS) {
      const trace_arrays* arrays = at;
      for (uint32_t k = 0; k < arrays->count; k++)
        fuzz_bytes(
            arrays->arrays[k].shape, arrays->arrays[k].ndim * sizeof(int32_t));
    }
  }
}

static void fuzz_put_right(uint8_t* bytes, size_t size) {
  trace_file_header* header = (void*)bytes;
  if (size < sizeof *header) return;
  memcpy(header->magic, TRACE_MAGIC, sizeof header->magic);
  header->version = TRACE_VERSION;
  header->check = trace_file_check(header);
  for (size_t at = 64; at + sizeof(trace_chunk_header) <= size; at += 64) {
    trace_chunk_header* c = (void*)(bytes + at);
    if (c->magic == TRACE_CHUNK_MAGIC) c->check = trace_chunk_check(c, at);
  }
}

static uint64_t fuzz_one(const uint8_t* bytes, size_t size) {
  if (file < 0) {
    file = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, bytes, size, 0) != (ssize_t)size)
    fuzz_fail("cannot write the input");
  char error[512] = "";
  trace_reader* r = trace_reader_open(path, error, sizeof error);
  if (!r) {
    if (!error[0] || strchr(error, '\n')) fuzz_fail("no line about an error");
    return 0;
  }
  trace_event event;
  uint64_t events = 0;
  int status;
  while ((status = trace_reader_next(r, &event)) == 1) {
    fuzz_touch(&event);
    /* An event takes at least 6 bytes; what is packed may stand for more. */
    if (++events > 64u << 20) fuzz_fail("no end");
  }
  trace_info info;
  trace_reader_info(r, &info);
  sum += info.threads;
  if ((status < 0) != (trace_reader_error(r) != NULL))
    fuzz_fail("status and error disagree");
  trace_reader_close(r);
  return events;
}

#ifdef FUZZ_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint8_t* copy = malloc(size + 1);
  memcpy(copy, data, size);
  if (size > 0 && data[size - 1] & 1) fuzz_put_right(copy, size);
  fuzz_one(copy, size);
  free(copy);
  return 0;
}

#else

static uint64_t state;
static uint64_t fuzz_random(uint64_t below) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % below;
}

typedef struct fuzz_seed {
  uint8_t* bytes;
  size_t size;
} fuzz_seed;

static fuzz_seed fuzz_slurp(const char* name) {
  struct stat st;
  int fd = open(name, O_RDONLY);
  if (fd < 0 || fstat(fd, &st) != 0) fuzz_fail("cannot read a seed");
  fuzz_seed seed = {malloc((size_t)st.st_size), (size_t)st.st_size};
  if (read(fd, seed.bytes, seed.size) != st.st_size) fuzz_fail("short seed");
  close(fd);
  unlink(name);
  return seed;
}

static fuzz_seed fuzz_make(size_t chunk, uint64_t ring, bool pack) {
  char name[] = "/tmp/lazuli-fuzz-XXXXXX", packed[64], error[256];
  close(mkstemp(name));
  trace_writer_options options = {.chunk_bytes = chunk, .ring_bytes = ring};
  trace_writer* w = trace_writer_open(name, &options);
  if (!w) fuzz_fail("cannot write a seed");
  for (uint64_t i = 0; i < 400; i++) {
    char text[24];
    int n = snprintf(text, sizeof text, "name %u", (unsigned)(i % 37));
    uint32_t id = trace_writer_string(w, text, (size_t)n);
    uint64_t ids[4] = {i, i * 3, i << 40, 1};
    int32_t shape[3] = {(int32_t)i, 100000, -1};
    trace_array arrays[2] = {{10, 3, shape}, {1, 0, shape}};
    trace_put_node(
        w,
        0,
        &(trace_node){
            .id = i,
            .op = id,
            .stack = trace_writer_stack(w, ids, 4),
            .inputs = {ids, (uint32_t)(i % 5)},
            .outputs = {arrays, (uint32_t)(i % 3)}});
    trace_put_note(w, 0, &(trace_note){{text, (uint32_t)n}});
    trace_put_fusion(
        w, 0, &(trace_fusion){i, i, {ids, 2}, {ids, 3}, {ids, 1}, i});
  }
  trace_writer_close(w);
  if (!pack) return fuzz_slurp(name);
  snprintf(packed, sizeof packed, "%s.packed", name);
  if (trace_pack(name, packed, error, sizeof error) != 0) fuzz_fail(error);
  unlink(name);
  return fuzz_slurp(packed);
}

/* A place worth changing: a header, or where something is written. */
static size_t fuzz_place(const uint8_t* bytes, size_t size) {
  size_t at = fuzz_random(size);
  if (fuzz_random(3) == 0) return at & ~(size_t)63;
  if (fuzz_random(3) == 0) return (at & ~(size_t)63) + fuzz_random(64) % size;
  for (int i = 0; i < 30 && !bytes[at]; i++) at = fuzz_random(size);
  return at;
}

static void fuzz_mutate(uint8_t* bytes, size_t* size) {
  static const uint32_t numbers[] = {
      0,
      1,
      0x7f,
      0x80,
      0xff,
      0xffff,
      0x7fffffff,
      0x80000000,
      0xffffffff,
      64,
      4096,
      1u << 26};
  for (uint64_t n = 1 + fuzz_random(6); n > 0; n--) {
    size_t at = fuzz_place(bytes, *size);
    if (at >= *size) at = *size - 1;
    size_t left = *size - at;
    switch (fuzz_random(6)) {
      case 0:
        bytes[at] ^= (uint8_t)(1u << fuzz_random(8));
        break;
      case 1:
        bytes[at] = (uint8_t)fuzz_random(256);
        break;
      case 2: {
        uint32_t number = numbers[fuzz_random(12)];
        memcpy(bytes + at, &number, left < 4 ? left : 4);
        break;
      }
      case 3: {
        size_t from = fuzz_place(bytes, *size), count = 1 + fuzz_random(200);
        if (from >= *size) break;
        if (count > left) count = left;
        if (count > *size - from) count = *size - from;
        memmove(bytes + at, bytes + from, count);
        break;
      }
      case 4:
        memset(bytes + at, fuzz_random(2) ? 0xff : 0, fuzz_random(left) % 300);
        break;
      case 5:
        if (fuzz_random(8) == 0) *size = at + 1;
        break;
    }
  }
}

int main(int argc, char** argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 5;
  state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  fuzz_seed seeds[] = {
      fuzz_make(4096, 0, false),
      fuzz_make(65536, 0, false),
      fuzz_make(4096, 0, true),
      fuzz_make(65536, 0, true),
      fuzz_make(4096, 16 * 4096, false),
  };
  const size_t n_seeds = sizeof seeds / sizeof *seeds;
  size_t largest = 0;
  for (size_t i = 0; i < n_seeds; i++)
    if (seeds[i].size > largest) largest = seeds[i].size;
  uint8_t* bytes = malloc(largest);
  uint64_t inputs = 0, read = 0, events = 0;
  const uint64_t end = trace_now() + (uint64_t)(seconds * 1e9);
  while (trace_now() < end) {
    const fuzz_seed* seed = &seeds[fuzz_random(n_seeds)];
    size_t size = seed->size;
    memcpy(bytes, seed->bytes, size);
    fuzz_mutate(bytes, &size);
    if (fuzz_random(2)) fuzz_put_right(bytes, size);
    uint64_t n = fuzz_one(bytes, size);
    inputs++;
    read += n > 0;
    events += n;
  }
  printf(
      "%llu inputs, events in %llu of them, %llu events (%llu)\n",
      (unsigned long long)inputs,
      (unsigned long long)read,
      (unsigned long long)events,
      (unsigned long long)sum);
  free(bytes);
  for (size_t i = 0; i < n_seeds; i++) free(seeds[i].bytes);
  /* Inputs that never get past the door would test nothing. */
  return inputs > 0 && read > inputs / 4 ? 0 : 1;
}

#endif
