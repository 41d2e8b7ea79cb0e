#include "io/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "io/gguf_tensor.h"
#include "io/gguf_types.h"

static int gguf_strings(cursor* c, uint64_t n, lz_value* v) {
  lz_strings strings = {0};
  int failed = 0;
  for (uint64_t i = 0; !failed && i < n; i++) {
    char* text = cursor_string(c);
    failed = !text || strings_append(&strings, text);
    free(text);
  }
  if (failed) {
    strings_clear(&strings);
    return 1;
  }
  *v = (lz_value){.kind = VALUE_STRINGS, .strings = strings};
  return 0;
}

/* n numbers; a scalar if n < 0. */
static int gguf_numbers(
    cursor* c, const gguf_type* type, int64_t n, lz_value* v) {
  uint64_t count = n < 0 ? 1 : (uint64_t)n;
  size_t width = dtype_size(type->stored);
  if (count > INT32_MAX || !cursor_has(c, count * width))
    return cursor_end(c, count);
  char* data = malloc(count ? count * width : 1);
  if (!data) return error_memory() == NULL;
  int failed = cursor_take(c, data, count * width);
  if (!failed && type->stored == DTYPE_FLOAT64)
    for (uint64_t i = 0; i < count; i++) {
      double wide;
      memcpy(&wide, data + 8 * i, 8);
      float narrow = (float)wide;
      memcpy(data + 4 * i, &narrow, 4);
    }
  int32_t shape = (int32_t)count;
  lz_array* a = failed ? NULL
                       : scope_own(array_new_data(
                             type->loaded, n < 0 ? 0 : 1, &shape, data));
  free(data);
  return !a || value_array(v, a);
}

static int gguf_value(
    cursor* c, const char* key, uint32_t number, lz_value* v) {
  const gguf_type* type = gguf_value_type(number);
  if (type) return gguf_numbers(c, type, -1, v);
  if (number == GGUF_STRING) {
    char* text = cursor_string(c);
    *v = (lz_value){.kind = VALUE_STRING, .text = text};
    return !text;
  }
  if (number == GGUF_ARRAY) {
    uint32_t element;
    uint64_t n;
    if (cursor_u32(c, &element) || cursor_u64(c, &n)) return 1;
    if (element == GGUF_STRING) return gguf_strings(c, n, v);
    type = gguf_value_type(element);
    if (type)
      return gguf_numbers(c, type, n > INT32_MAX ? INT64_MAX : (int64_t)n, v);
    number = element;
  }
  return error_fail(
      "[load_gguf] %s: metadata '%s' is of the unsupported type %u",
      source_label(c->source),
      key,
      number);
}

static int gguf_metadata(
    cursor* c, uint64_t n, lz_map* metadata, uint64_t* alignment) {
  for (uint64_t i = 0; i < n; i++) {
    char* key = cursor_string(c);
    uint32_t number;
    lz_value v = {0};
    int failed =
        !key || cursor_u32(c, &number) || gguf_value(c, key, number, &v);
    if (!failed && strcmp(key, GGUF_ALIGNMENT_KEY) == 0 &&
        v.kind == VALUE_ARRAY && v.array->dtype == DTYPE_UINT32)
      *alignment = (uint64_t)array_scalar(v.array);
    failed = failed || map_insert(metadata, key, &v);
    free(key);
    if (failed) return 1;
  }
  if (*alignment == 0 || *alignment % 8)
    return error_fail(
        "[load_gguf] %s: data aligned to %llu bytes",
        source_label(c->source),
        (unsigned long long)*alignment);
  return 0;
}

static int gguf_tensor_info(cursor* c, gguf_tensor* t) {
  uint32_t ndim;
  if (!(t->name = cursor_string(c)) || cursor_u32(c, &ndim)) return 1;
  if (ndim > GGUF_MAX_AXES)
    return error_fail(
        "[load_gguf] %s: tensor '%s' has %u axes",
        source_label(c->source),
        t->name,
        ndim);
  t->ndim = (int)ndim;
  t->size = 1;
  for (int i = t->ndim; i-- > 0;) { /* the last axis comes first */
    uint64_t extent;
    if (cursor_u64(c, &extent)) return 1;
    if (extent > INT32_MAX ||
        __builtin_mul_overflow(t->size, (int64_t)extent, &t->size) ||
        t->size > INT64_MAX / 8)
      return error_fail(
          "[load_gguf] %s: tensor '%s' has an axis of %llu",
          source_label(c->source),
          t->name,
          (unsigned long long)extent);
    t->shape[i] = (int32_t)extent;
  }
  return cursor_u32(c, &t->type) || cursor_u64(c, &t->offset);
}

static int gguf_tensors_load(
    cursor* c, uint64_t n, uint64_t alignment, lz_stream* s, lz_map* arrays) {
  /* Each takes 24 bytes at least: a count that no file can hold is refused
   * before there is memory for it. */
  if (n && (n > UINT64_MAX / 24 || !cursor_has(c, 24 * n)))
    return cursor_end(c, n > UINT64_MAX / 24 ? n : 24 * n);
  gguf_tensor* tensors = calloc(n ? (size_t)n : 1, sizeof *tensors);
  if (!tensors) return error_memory() == NULL;
  int failed = 0;
  for (uint64_t i = 0; !failed && i < n; i++)
    failed = gguf_tensor_info(c, &tensors[i]);
  uint64_t data = (c->at + alignment - 1) / alignment * alignment;
  for (uint64_t i = 0; !failed && i < n; i++) {
    if (__builtin_add_overflow(tensors[i].offset, data, &tensors[i].offset))
      tensors[i].offset = UINT64_MAX;
    failed = gguf_tensor_load(c, &tensors[i], s, arrays);
    if (failed) error_context("tensor '%s'", tensors[i].name);
  }
  for (uint64_t i = 0; i < n; i++) free(tensors[i].name);
  free(tensors);
  return failed;
}

int gguf_load(lz_source* source, lz_stream* s, lz_gguf* g) {
  cursor* c = calloc(1, sizeof *c);
  if (!c) return error_memory() == NULL;
  c->source = source;
  c->op = "load_gguf";
  c->at = source_start(source);
  char magic[4];
  uint32_t version;
  uint64_t tensors, values, alignment = GGUF_ALIGNMENT;
  int failed = cursor_take(c, magic, 4) || cursor_u32(c, &version);
  if (!failed && (memcmp(magic, "GGUF", 4) != 0 || version < 2 || version > 3))
    failed = error_fail(
        "[load_gguf] %s is no GGUF file of version 2 or 3",
        source_label(source));
  failed = failed || cursor_u64(c, &tensors) || cursor_u64(c, &values) ||
           gguf_metadata(c, values, &g->metadata, &alignment) ||
           gguf_tensors_load(c, tensors, alignment, s, &g->arrays);
  free(c);
  return failed;
}
