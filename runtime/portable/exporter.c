#include "portable/exporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "io/checksum.h"
#include "portable/format.h"
#include "portable/registry.h"
#include "stream/stream.h"

/* A constant that is in the file. */
typedef struct stored {
  uint64_t checksum, bytes, at;
} stored;

struct lz_exporter {
  lz_closure* closure;
  lz_function* functions; /* newest first */
  FILE* file;
  char *path, *beside; /* beside is renamed to path with the first function */
  bool renamed, shapeless, broken;
  uint32_t count;
  uint64_t size;
  stored* stored;
  size_t n_stored, stored_room;
};

static int exporter_broken(lz_exporter* e) {
  e->broken = true;
  return error_fail(
      "[export_function] writing %s: %s", e->path, strerror(errno));
}

/* ---- a function as bytes ------------------------------------------------- */

typedef struct bytes {
  char* data;
  size_t size, room;
  bool failed;
} bytes;

static void put(bytes* b, const void* data, size_t n) {
  size_t whole = (n + 3) & ~(size_t)3;
  if (b->failed) return;
  if (whole > b->room - b->size) {
    size_t room = 2 * b->room + whole + 4096;
    char* grown = realloc(b->data, room);
    if (!grown) {
      b->failed = true;
      return;
    }
    b->data = grown;
    b->room = room;
  }
  if (n) memcpy(b->data + b->size, data, n);
  memset(b->data + b->size + n, 0, whole - n);
  b->size += whole;
}

static void put_word(bytes* b, uint32_t word) {
  put(b, &word, sizeof word);
}

static void put_text(bytes* b, const char* text) {
  size_t n = strlen(text);
  put_word(b, (uint32_t)n);
  put(b, text, n);
}

static void put_type(bytes* b, const function_value* v) {
  put_word(b, v->dtype);
  put_word(b, (uint32_t)v->ndim);
  put(b, v->shape, sizeof(int32_t) * (size_t)v->ndim);
}

/* The number of `item` in a list of distinct pointers, appended if it is new;
 * -1: no memory. */
typedef struct numbered {
  const void** items;
  uint32_t count, room;
} numbered;

static int64_t number_of(numbered* l, const void* item) {
  for (uint32_t i = 0; i < l->count; i++)
    if (l->items[i] == item) return i;
  if (l->count == l->room) {
    uint32_t room = 2 * l->room + 16;
    const void** items = realloc(l->items, room * sizeof *items);
    if (!items) return -1;
    l->items = items;
    l->room = room;
  }
  l->items[l->count] = item;
  return l->count++;
}

/* 0 for the thread's default stream, else 1, 2, 3 … in order of use. */
static uint32_t stream_number(const numbered* streams, uint32_t at) {
  const lz_stream* s = streams->items[at];
  uint32_t number = 1;
  if (s == stream_default(s->device)) return 0;
  for (uint32_t i = 0; i < at; i++) {
    const lz_stream* t = streams->items[i];
    number += t->device == s->device && t != stream_default(t->device);
  }
  return number;
}

static void put_constants(bytes* b, const lz_function* f, const stored* at) {
  for (uint32_t i = 0; i < f->n_constants; i++) {
    const lz_array* a = f->constants[i];
    put_type(b, &f->values[function_inputs(f) + i]);
    put_word(b, at[i].bytes > FORMAT_INLINE);
    if (at[i].bytes > FORMAT_INLINE) {
      put(b, &at[i].at, sizeof at[i].at);
      put(b, &at[i].checksum, sizeof at[i].checksum);
    } else if (at[i].bytes) {
      put(b, array_data(a), (size_t)at[i].bytes);
    }
  }
}

static void put_node(
    bytes* b,
    const lz_function* f,
    const function_node* n,
    uint32_t op,
    uint32_t stream) {
  put_word(b, op);
  put_word(b, stream);
  put_word(b, n->n_in);
  put_word(b, n->n_out);
  put_word(b, n->params_size);
  put(b, n->in, n->n_in * sizeof *n->in);
  put(b, n->params, n->params_size);
  for (uint32_t i = 0; i < n->n_out; i++) put_type(b, &f->values[n->first + i]);
}

static void put_function(bytes* b, const lz_function* f, const stored* at) {
  numbered ops = {0}, streams = {0};
  uint32_t* numbers = malloc(2 * ((size_t)f->n_nodes + 1) * sizeof *numbers);
  b->failed = !numbers;
  for (uint32_t i = 0; i < f->n_nodes && !b->failed; i++) {
    int64_t op = number_of(&ops, registry_of(f->nodes[i].op));
    int64_t stream = number_of(&streams, f->nodes[i].stream);
    b->failed = op < 0 || stream < 0;
    numbers[2 * i] = (uint32_t)op;
    numbers[2 * i + 1] = (uint32_t)stream;
  }
  const uint32_t counts[] = {
      f->n_args,
      f->n_names,
      f->n_constants,
      f->n_values,
      f->n_nodes,
      f->n_outputs,
      streams.count,
      ops.count};
  put(b, counts, sizeof counts);
  for (uint32_t i = 0; i < f->n_names; i++) put_text(b, f->names[i]);
  for (uint32_t i = 0; i < streams.count && !b->failed; i++) {
    put_word(b, ((const lz_stream*)streams.items[i])->device);
    put_word(b, stream_number(&streams, i));
  }
  for (uint32_t i = 0; i < ops.count && !b->failed; i++) {
    const registry_entry* e = ops.items[i];
    put_text(b, e->name);
    put_word(b, e->revision);
  }
  for (uint32_t i = 0; i < function_inputs(f); i++) put_type(b, &f->values[i]);
  put_constants(b, f, at);
  for (uint32_t i = 0; i < f->n_nodes && !b->failed; i++)
    put_node(b, f, &f->nodes[i], numbers[2 * i], numbers[2 * i + 1]);
  put(b, f->outputs, f->n_outputs * sizeof *f->outputs);
  free(numbers);
  free(ops.items);
  free(streams.items);
}

/* ---- the file ------------------------------------------------------------ */

static int write_header(lz_exporter* e) {
  format_header h = {
      .version = FORMAT_VERSION,
      .order = FORMAT_ORDER,
      .flags = e->shapeless ? FORMAT_SHAPELESS : 0,
      .functions = e->count,
      .size = e->size};
  memcpy(h.magic, FORMAT_MAGIC, sizeof h.magic);
  snprintf(h.library, sizeof h.library, "%s", LAZULI_VERSION);
  h.checksum = checksum_of(&h, offsetof(format_header, checksum));
  if (fseeko(e->file, 0, SEEK_SET) || fwrite(&h, sizeof h, 1, e->file) != 1 ||
      fflush(e->file))
    return exporter_broken(e);
  return 0;
}

/* Appends at e->size; the header does not know of it yet. */
static int write_chunk(
    lz_exporter* e, uint32_t kind, const void* data, size_t n, uint64_t sum) {
  static const char zeros[8];
  format_chunk c = {.kind = kind, .length = n, .checksum = sum};
  size_t fill = (8 - n % 8) % 8;
  if (fseeko(e->file, (off_t)e->size, SEEK_SET) ||
      fwrite(&c, sizeof c, 1, e->file) != 1 ||
      fwrite(data, 1, n, e->file) != n ||
      fwrite(zeros, 1, fill, e->file) != fill)
    return exporter_broken(e);
  e->size += sizeof c + n + fill;
  return 0;
}

/* Puts the elements of a large constant into the file, unless they are there:
 * equal ones of several traces are one. */
static int store_constant(lz_exporter* e, const lz_array* a, stored* to) {
  *to = (stored){.bytes = array_nbytes(a)};
  if (to->bytes <= FORMAT_INLINE) return 0;
  to->checksum = checksum_of(array_data(a), array_nbytes(a));
  for (size_t i = 0; i < e->n_stored; i++)
    if (e->stored[i].checksum == to->checksum &&
        e->stored[i].bytes == to->bytes) {
      to->at = e->stored[i].at;
      return 0;
    }
  if (e->n_stored == e->stored_room) {
    size_t room = 2 * e->stored_room + 16;
    stored* grown = realloc(e->stored, room * sizeof *grown);
    if (!grown) return error_memory() == NULL;
    e->stored = grown;
    e->stored_room = room;
  }
  to->at = e->size + sizeof(format_chunk);
  if (write_chunk(e, CHUNK_DATA, array_data(a), array_nbytes(a), to->checksum))
    return 1;
  e->stored[e->n_stored++] = *to;
  return 0;
}

static int exporter_rename(lz_exporter* e) {
  if (e->renamed) return 0;
  if (rename(e->beside, e->path)) return exporter_broken(e);
  e->renamed = true;
  return 0;
}

static int write_function(lz_exporter* e, const lz_function* f) {
  stored* at = calloc((size_t)f->n_constants + 1, sizeof *at);
  bytes b = {0};
  int failed = !at && error_memory() == NULL;
  for (uint32_t i = 0; i < f->n_constants && !failed; i++)
    failed = store_constant(e, f->constants[i], &at[i]);
  if (!failed) {
    put_function(&b, f, at);
    failed = b.failed && error_memory() == NULL;
  }
  if (!failed)
    failed = write_chunk(
        e, CHUNK_FUNCTION, b.data, b.size, checksum_of(b.data, b.size));
  if (!failed) {
    e->count++;
    failed = fflush(e->file) ? exporter_broken(e)
                             : write_header(e) || exporter_rename(e);
  }
  free(b.data);
  free(at);
  return failed;
}

/* ---- exporters ----------------------------------------------------------- */

lz_exporter* exporter_new(const char* path, lz_closure* f, bool shapeless) {
  size_t n = strlen(path) + 32;
  lz_exporter* e = calloc(1, sizeof *e);
  if (!e) return error_memory();
  e->closure = closure_ref(f);
  e->shapeless = shapeless;
  e->size = sizeof(format_header);
  e->path = strdup(path);
  e->beside = malloc(n);
  if (!e->path || !e->beside) {
    error_memory();
    goto fail;
  }
  /* A device or a pipe is written to as it is. */
  struct stat st;
  e->renamed = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
  if (e->renamed)
    snprintf(e->beside, n, "%s", path);
  else
    snprintf(e->beside, n, "%s.tmp%ld", path, (long)getpid());
  e->file = fopen(e->beside, "wbe");
  if (!e->file) {
    error_set("[export_function] Failed to open %s: %s", path, strerror(errno));
    goto fail;
  }
  if (write_header(e) == 0) return e;
fail:
  e->broken = true;
  exporter_free(e);
  return NULL;
}

int exporter_apply(lz_exporter* e, const lz_list* args, const lz_map* kwargs) {
  if (e->broken)
    return error_fail(
        "[export_function] %s could not be written before", e->path);
  function_call c;
  if (function_call_make(&c, args, kwargs)) return 1;
  for (lz_function* f = e->functions; f; f = f->next)
    if (function_matches(f, &c, e->shapeless, true)) {
      char text[512];
      function_describe_call(&c, text, sizeof text);
      function_call_clear(&c);
      return error_fail(
          "[export_function] Attempting to export a function twice with the "
          "same signature is not allowed: %s",
          text);
    }
  lz_function* f = function_trace(e->closure, &c, e->shapeless);
  function_call_clear(&c);
  if (!f) return 1;
  if (write_function(e, f)) {
    function_free(f);
    return 1;
  }
  f->next = e->functions;
  e->functions = f;
  return 0;
}

static void exporter_drop(lz_exporter* e) {
  while (e->functions) {
    lz_function* next = e->functions->next;
    function_free(e->functions);
    e->functions = next;
  }
  closure_unref(e->closure);
  free(e->stored);
  free(e->path);
  free(e->beside);
  free(e);
}

int exporter_free(lz_exporter* e) {
  if (!e) return 0;
  int failed = !e->broken && exporter_rename(e);
  if (e->file && fclose(e->file) && !failed && !e->broken)
    failed = exporter_broken(e);
  if (!e->renamed && e->file) unlink(e->beside);
  exporter_drop(e);
  return failed;
}

int exporter_once(
    const char* path,
    lz_closure* f,
    const lz_list* args,
    const lz_map* kwargs,
    bool shapeless) {
  lz_exporter* e = exporter_new(path, f, shapeless);
  if (!e) return 1;
  int failed = exporter_apply(e, args, kwargs);
  if (failed) e->broken = true;
  return exporter_free(e) || failed;
}
