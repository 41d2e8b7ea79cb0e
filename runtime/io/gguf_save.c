#include "core/error.h"
#include "io/dense.h"
#include "io/gguf.h"
#include "io/gguf_types.h"

#include <string.h>

int gguf_check(const lz_gguf* g) {
  for (size_t i = 0; i < g->arrays.count; i++) {
    const lz_array* a = g->arrays.entries[i].value.array;
    if (a->ndim > GGUF_MAX_AXES || !gguf_tensor_type_of((lz_dtype)a->dtype))
      return error_fail(
          "[save_gguf] array '%s': %s of shape %s is not supported",
          g->arrays.entries[i].key,
          dtype_name((lz_dtype)a->dtype),
          error_shape_of(a));
  }
  for (size_t i = 0; i < g->metadata.count; i++) {
    const lz_entry* e = &g->metadata.entries[i];
    if (e->value.kind != VALUE_ARRAY) continue;
    const lz_array* a = e->value.array;
    if (a->ndim > 1 || a->size == 0 || !gguf_value_type_of((lz_dtype)a->dtype))
      return error_fail(
          "[save_gguf] metadata '%s': %s of shape %s is not supported",
          e->key,
          dtype_name((lz_dtype)a->dtype),
          error_shape_of(a));
  }
  return 0;
}

/* A sink that knows how far it has come; with none it only counts. */
typedef struct writer {
  lz_sink* sink;
  uint64_t at, alignment;
} writer;

static int writer_put(writer* w, const void* from, size_t n) {
  w->at += n;
  return w->sink ? sink_write(w->sink, from, n) : 0;
}
static int writer_u32(writer* w, uint32_t v) {
  return writer_put(w, &v, 4);
}
static int writer_u64(writer* w, uint64_t v) {
  return writer_put(w, &v, 8);
}
static int writer_string(writer* w, const char* text) {
  size_t n = strlen(text);
  return writer_u64(w, n) || writer_put(w, text, n);
}
static int writer_array(writer* w, const lz_array* a) {
  w->at += array_nbytes(a);
  return w->sink ? dense_write(w->sink, a) : 0;
}
static uint64_t writer_aligned(const writer* w, uint64_t at) {
  return (at + w->alignment - 1) / w->alignment * w->alignment;
}
static int writer_align(writer* w) {
  static const char zeros[64];
  uint64_t n = writer_aligned(w, w->at) - w->at;
  int failed = 0;
  while (n && !failed) {
    size_t part = n < sizeof zeros ? (size_t)n : sizeof zeros;
    failed = writer_put(w, zeros, part);
    n -= part;
  }
  return failed;
}

static int gguf_save_value(writer* w, const lz_entry* e) {
  const lz_value* v = &e->value;
  if (writer_string(w, e->key)) return 1;
  if (v->kind == VALUE_STRING)
    return writer_u32(w, GGUF_STRING) || writer_string(w, v->text);
  if (v->kind == VALUE_STRINGS) {
    int failed = writer_u32(w, GGUF_ARRAY) || writer_u32(w, GGUF_STRING) ||
                 writer_u64(w, v->strings.count);
    for (size_t i = 0; !failed && i < v->strings.count; i++)
      failed = writer_string(w, v->strings.items[i]);
    return failed;
  }
  const lz_array* a = v->array;
  uint32_t type = gguf_value_type_of((lz_dtype)a->dtype)->number;
  if (a->ndim == 1 && (writer_u32(w, GGUF_ARRAY) || writer_u32(w, type) ||
                       writer_u64(w, (uint64_t)a->size)))
    return 1;
  return (a->ndim == 0 && writer_u32(w, type)) || writer_array(w, a);
}

/* `offset`: in the data, moved on past this one. */
static int gguf_save_info(writer* w, const lz_entry* e, uint64_t* offset) {
  const lz_array* a = e->value.array;
  int failed = writer_string(w, e->key) || writer_u32(w, a->ndim);
  for (int i = a->ndim; !failed && i-- > 0;)
    failed = writer_u64(w, (uint64_t)a->shape[i]);
  *offset = writer_aligned(w, *offset);
  failed = failed ||
           writer_u32(w, gguf_tensor_type_of((lz_dtype)a->dtype)->number) ||
           writer_u64(w, *offset);
  *offset += array_nbytes(a);
  return failed;
}

/* What the metadata says, for a reader will believe it. */
static uint64_t gguf_alignment(const lz_gguf* g) {
  const lz_value* v = map_find(&g->metadata, GGUF_ALIGNMENT_KEY);
  if (!v || v->kind != VALUE_ARRAY || v->array->dtype != DTYPE_UINT32)
    return GGUF_ALIGNMENT;
  uint64_t n = (uint64_t)array_scalar(v->array);
  return n && n % 8 == 0 ? n : GGUF_ALIGNMENT;
}

static int gguf_put(writer* w, const lz_gguf* g) {
  uint64_t offset = 0;
  int failed = writer_put(w, "GGUF", 4) || writer_u32(w, 3) ||
               writer_u64(w, g->arrays.count) ||
               writer_u64(w, g->metadata.count);
  for (size_t i = 0; !failed && i < g->metadata.count; i++)
    failed = gguf_save_value(w, &g->metadata.entries[i]);
  for (size_t i = 0; !failed && i < g->arrays.count; i++)
    failed = gguf_save_info(w, &g->arrays.entries[i], &offset);
  for (size_t i = 0; !failed && i < g->arrays.count; i++)
    failed =
        writer_align(w) || writer_array(w, g->arrays.entries[i].value.array);
  return failed;
}

int gguf_save(lz_sink* sink, const lz_gguf* g) {
  writer counting = {.alignment = gguf_alignment(g)}, w = counting;
  w.sink = sink;
  return gguf_put(&counting, g) || sink_expect(sink, counting.at) ||
         gguf_put(&w, g);
}
