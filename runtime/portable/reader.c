#include "portable/reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "io/checksum.h"
#include "io/load.h"
#include "portable/format.h"
#include "portable/registry.h"
#include "stream/stream.h"

/* A chunk while it is read. What follows the first failure is not looked at:
 * everything reads as 0 then. */
typedef struct reader {
  const char *at, *end;
  lz_source* source;
  uint64_t file_size; /* as the header has it */
  lz_function* f;
  bool failed;
} reader;

static int reader_fail(reader* r, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
static int reader_fail(reader* r, const char* format, ...) {
  char words[256];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  if (!r->failed)
    error_set(
        "[import_function] %s is damaged: %s", source_label(r->source), words);
  r->failed = true;
  return 1;
}

/* n bytes and what fills them up to words; NULL after a failure. */
static const void* take(reader* r, uint64_t n) {
  uint64_t left = (uint64_t)(r->end - r->at);
  if (r->failed) return NULL;
  if (n > left || ((n + 3) & ~UINT64_C(3)) > left) {
    reader_fail(r, "a function ends before its time");
    return NULL;
  }
  const void* from = r->at;
  r->at += (n + 3) & ~UINT64_C(3);
  return from;
}

static uint32_t take_word(reader* r) {
  const void* from = take(r, sizeof(uint32_t));
  uint32_t word = 0;
  if (from) memcpy(&word, from, sizeof word);
  return word;
}

static uint64_t take_long(reader* r) {
  const void* from = take(r, sizeof(uint64_t));
  uint64_t value = 0;
  if (from) memcpy(&value, from, sizeof value);
  return value;
}

/* A number below `limit`. */
static uint32_t take_below(reader* r, uint32_t limit, const char* what) {
  uint32_t n = take_word(r);
  if (r->failed || n < limit) return n;
  reader_fail(r, "%s %u of %u", what, n, limit);
  return 0;
}

static void* room(reader* r, size_t n) {
  void* p = r->failed ? NULL : arena_get(&r->f->arena, n);
  if (!p) r->failed = true;
  return p;
}

static void* take_copy(reader* r, uint64_t n) {
  const void* from = take(r, n);
  void* to = from ? room(r, (size_t)n) : NULL;
  if (to && n) memcpy(to, from, (size_t)n);
  return to;
}

static void take_type(reader* r, function_value* v) {
  v->dtype = (lz_dtype)take_below(r, DTYPE_COUNT, "dtype");
  v->ndim = (int)take_below(r, LZ_MAX_DIMS + 1, "number of axes");
  v->shape = take_copy(r, sizeof(int32_t) * (uint64_t)v->ndim);
  v->size = 1;
  if (r->failed) return;
  /* Extents of an empty array may not overflow either. */
  int64_t bytes = (int64_t)dtype_size(v->dtype), all = bytes;
  for (int d = 0; d < v->ndim; d++) {
    int32_t n = v->shape[d];
    if (n < 0 || __builtin_mul_overflow(all, n ? n : 1, &all)) {
      reader_fail(r, "a shape of %s", error_shape(v->ndim, v->shape));
      return;
    }
    v->size *= n;
  }
}

/* ---- the parts of a function --------------------------------------------- */

typedef struct file_ops {
  const lz_op** ops;
  lz_stream** streams;
  uint32_t n_ops, n_streams;
} file_ops;

static void read_names(reader* r) {
  lz_function* f = r->f;
  f->names = room(r, f->n_names * sizeof *f->names);
  for (uint32_t i = 0; i < f->n_names && !r->failed; i++) {
    uint32_t n = take_word(r);
    const char* from = take(r, n);
    char* name = from ? room(r, (size_t)n + 1) : NULL;
    if (!name) return;
    memcpy(name, from, n);
    name[n] = 0;
    f->names[i] = name;
    if (i && strcmp(f->names[i - 1], name) >= 0)
      reader_fail(r, "names out of order");
  }
}

/* The number-th stream of a device besides the thread's default one. */
static lz_stream* stream_besides(lz_device device, uint32_t number) {
  lz_stream* own = stream_default(device);
  if (!own || number == 0) return own;
  for (int i = 0; i < stream_count(); i++) {
    lz_stream* s = stream_get(i);
    if (s && s->device == device && s != own && --number == 0) return s;
  }
  lz_stream* s = NULL;
  do s = stream_new(device);
  while (s && --number > 0);
  return s;
}

static void read_streams(reader* r, file_ops* x) {
  x->streams = room(r, x->n_streams * sizeof *x->streams);
  for (uint32_t i = 0; i < x->n_streams && !r->failed; i++) {
    uint32_t device = take_below(r, 2, "device");
    uint32_t number = take_below(r, x->n_streams + 1, "stream");
    if (r->failed) return;
    x->streams[i] = stream_besides((lz_device)device, number);
    if (x->streams[i]) continue;
    r->failed = true;
    error_context("[import_function] %s", source_label(r->source));
  }
}

static void read_ops(reader* r, file_ops* x) {
  x->ops = room(r, x->n_ops * sizeof *x->ops);
  for (uint32_t i = 0; i < x->n_ops && !r->failed; i++) {
    uint32_t n = take_word(r);
    const char* name = take(r, n);
    uint32_t revision = take_word(r);
    if (r->failed) return;
    const registry_entry* e = registry_named(name, n);
    if (e && !e->refused && e->revision == revision) {
      x->ops[i] = e->op;
      continue;
    }
    r->failed = true;
    if (!e || e->refused)
      error_set(
          "[import_function] %s uses the operation %.*s, which this library "
          "does not know",
          source_label(r->source),
          n < 64 ? (int)n : 64,
          name);
    else
      error_set(
          "[import_function] %s has revision %u of the operation %s, this "
          "library %u: export the function again",
          source_label(r->source),
          revision,
          e->name,
          e->revision);
  }
}

static lz_array* read_constant(reader* r, const function_value* v) {
  size_t bytes = (size_t)v->size * dtype_size(v->dtype);
  if (take_below(r, 2, "kind of constant") == 0) {
    const void* from = take(r, bytes);
    return from ? array_new_data(v->dtype, v->ndim, v->shape, from) : NULL;
  }
  uint64_t at = take_long(r), checksum = take_long(r);
  if (r->failed) return NULL;
  if (at > r->file_size || bytes > r->file_size - at) {
    reader_fail(r, "a constant at byte %llu", (unsigned long long)at);
    return NULL;
  }
  lz_stream* s = stream_default(DEVICE_CPU);
  size_t scope = scope_open();
  return scope_close(
      scope,
      op_load_checked(r->source, at, checksum, v->dtype, v->ndim, v->shape, s));
}

static void read_constants(reader* r) {
  lz_function* f = r->f;
  uint32_t first = function_inputs(f);
  f->constants = room(r, (f->n_constants + 1) * sizeof *f->constants);
  if (r->failed) return;
  memset(f->constants, 0, (f->n_constants + 1) * sizeof *f->constants);
  for (uint32_t i = 0; i < f->n_constants; i++) {
    take_type(r, &f->values[first + i]);
    if (r->failed) return;
    f->constants[i] = read_constant(r, &f->values[first + i]);
    if (!f->constants[i]) r->failed = true;
  }
}

/* `first` is the value that its outputs begin with. */
static void read_node(
    reader* r, function_node* n, const file_ops* x, uint32_t first) {
  lz_function* f = r->f;
  uint32_t op = take_below(r, x->n_ops, "operation");
  uint32_t stream = take_below(r, x->n_streams, "stream");
  n->n_in = take_below(r, INT32_MAX, "number of inputs");
  n->n_out = take_below(r, UINT16_MAX, "number of outputs");
  n->params_size = take_below(r, 1 << 16, "size of parameters");
  n->first = first;
  n->in = take_copy(r, n->n_in * (uint64_t)sizeof *n->in);
  n->params = take_copy(r, n->params_size);
  if (r->failed) return;
  n->op = x->ops[op];
  n->stream = x->streams[stream];
  for (uint32_t i = 0; i < n->n_in; i++)
    if (n->in[i] >= first) {
      reader_fail(r, "a node reads value %u of %u", n->in[i], first);
      return;
    }
  if (n->n_out == 0 || n->n_out > f->n_values - first) {
    reader_fail(r, "a node with %u outputs", n->n_out);
    return;
  }
  for (uint32_t i = 0; i < n->n_out; i++) take_type(r, &f->values[first + i]);
  if (r->failed || function_check(f, n) == 0) return;
  r->failed = true;
  error_context("[import_function] %s is damaged", source_label(r->source));
}

static void read_nodes(reader* r, const file_ops* x) {
  lz_function* f = r->f;
  uint32_t first = function_inputs(f) + f->n_constants;
  f->nodes = calloc((size_t)f->n_nodes + 1, sizeof *f->nodes);
  if (!f->nodes) {
    error_memory();
    r->failed = true;
  }
  for (uint32_t i = 0; i < f->n_nodes && !r->failed; i++) {
    read_node(r, &f->nodes[i], x, first);
    first += f->nodes[i].n_out;
  }
  if (!r->failed && first != f->n_values)
    reader_fail(r, "%u values, not %u", first, f->n_values);
}

/* Counts that the bytes which follow can hold: nothing is set aside for more
 * than the file may have. */
static void read_counts(reader* r, file_ops* x) {
  lz_function* f = r->f;
  uint32_t most =
      (uint32_t)((r->end - r->at) / 4 > UINT32_MAX ? UINT32_MAX : (r->end - r->at) / 4);
  uint32_t* const counts[] = {
      &f->n_args,
      &f->n_names,
      &f->n_constants,
      &f->n_values,
      &f->n_nodes,
      &f->n_outputs,
      &x->n_streams,
      &x->n_ops};
  uint64_t n[8];
  for (int i = 0; i < 8; i++) n[i] = *counts[i] = take_below(r, most, "count");
  /* The constants are counted before they are made. */
  if (!r->failed && n[0] + n[1] + n[2] > n[3])
    reader_fail(r, "%u values for more inputs", f->n_values);
  if (r->failed) f->n_constants = 0;
}

static void read_function(reader* r) {
  lz_function* f = r->f;
  file_ops x = {0};
  read_counts(r, &x);
  read_names(r);
  read_streams(r, &x);
  read_ops(r, &x);
  f->values = room(r, f->n_values * sizeof *f->values);
  for (uint32_t i = 0; i < function_inputs(f) && !r->failed; i++)
    take_type(r, &f->values[i]);
  read_constants(r);
  read_nodes(r, &x);
  f->outputs = room(r, f->n_outputs * sizeof *f->outputs);
  for (uint32_t i = 0; i < f->n_outputs && !r->failed; i++)
    f->outputs[i] = take_below(r, f->n_values, "output");
  if (!r->failed && r->at != r->end)
    reader_fail(r, "%td bytes too many", r->end - r->at);
}

/* ---- the file ------------------------------------------------------------ */

/* Files of MLX begin with its version: a length in 64 bits, and digits. */
static bool is_of_mlx(const char* data, size_t n, char* version, size_t size) {
  uint64_t length;
  memcpy(&length, data, sizeof length);
  if (length < 3 || length > n - sizeof length || length >= size) return false;
  for (uint64_t i = 0; i < length; i++) {
    char c = data[sizeof length + i];
    if (!isalnum((unsigned char)c) && c != '.' && c != '+') return false;
  }
  memcpy(version, data + sizeof length, length);
  version[length] = 0;
  return isdigit((unsigned char)version[0]) && strchr(version, '.');
}

static int read_header(lz_source* s, format_header* h) {
  uint64_t size = source_size(s);
  size_t n = size < sizeof *h ? (size_t)size : sizeof *h;
  const char* path = source_label(s);
  char version[32];
  memset(h, 0, sizeof *h);
  if (source_read(s, h, n, 0)) return 1;
  if (n >= 16 && is_of_mlx((const char*)h, n, version, sizeof version))
    return error_fail(
        "[import_function] %s was written by MLX %s, whose files are not read "
        "here: export the function with this library",
        path,
        version);
  if (n < sizeof *h || memcmp(h->magic, FORMAT_MAGIC, sizeof h->magic) != 0)
    return error_fail("[import_function] %s is no file of functions", path);
  if (h->order != FORMAT_ORDER)
    return error_fail(
        "[import_function] %s was written on a machine of another byte order",
        path);
  if (h->version != FORMAT_VERSION)
    return error_fail(
        "[import_function] %s has version %u of the format, this library reads "
        "%d",
        path,
        h->version,
        FORMAT_VERSION);
  if (h->checksum != checksum_of(h, offsetof(format_header, checksum)))
    return error_fail("[import_function] %s is damaged: its header", path);
  if (h->size > size)
    return error_fail(
        "[import_function] %s is cut short: %llu bytes of %llu",
        path,
        (unsigned long long)size,
        (unsigned long long)h->size);
  return 0;
}

/* The function whose chunk begins at `at`; NULL with a message. */
static lz_function* read_chunk(reader* r, const format_chunk* c, uint64_t at) {
  char* data = malloc(c->length ? (size_t)c->length : 1);
  r->f = function_new();
  r->failed = !data || !r->f;
  if (!data) error_memory();
  if (!r->failed)
    r->failed = source_read(r->source, data, (size_t)c->length, at);
  if (!r->failed && checksum_of(data, (size_t)c->length) != c->checksum)
    reader_fail(r, "the function at byte %llu", (unsigned long long)at);
  if (!r->failed) {
    r->at = data;
    r->end = data + c->length;
    read_function(r);
  }
  free(data);
  if (!r->failed) return r->f;
  function_free(r->f);
  return NULL;
}

int reader_open(const char* path, lz_function** functions, bool* shapeless) {
  lz_source* s = source_open("import_function", path);
  format_header h;
  lz_function** last = functions;
  uint32_t count = 0;
  *functions = NULL;
  if (!s) return 1;
  int failed = read_header(s, &h);
  reader r = {.source = s, .file_size = h.size};
  for (uint64_t at = sizeof h; !failed && at < h.size;) {
    format_chunk c;
    failed = h.size - at < sizeof c ? reader_fail(&r, "it ends within a chunk")
                                    : source_read(s, &c, sizeof c, at);
    if (failed) break;
    at += sizeof c;
    if (c.length > h.size - at) {
      failed = reader_fail(
          &r, "a chunk of %llu bytes", (unsigned long long)c.length);
    } else if (c.kind == CHUNK_FUNCTION) {
      failed = !(*last = read_chunk(&r, &c, at));
      if (!failed) last = &(*last)->next;
      count++;
    }
    at += (c.length + 7) & ~UINT64_C(7);
  }
  if (!failed && count != h.functions)
    failed = reader_fail(&r, "%u functions, not %u", count, h.functions);
  *shapeless = h.flags & FORMAT_SHAPELESS;
  source_unref(s);
  while (failed && *functions) {
    lz_function* next = (*functions)->next;
    function_free(*functions);
    *functions = next;
  }
  return failed;
}
