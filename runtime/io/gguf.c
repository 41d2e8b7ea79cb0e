#include "io/gguf.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "io/gguf_types.h"
#include "io/load.h"

/* Tensors that are changed while they are read. */
enum { GGUF_Q4_0 = 2, GGUF_Q4_1 = 3, GGUF_Q8_0 = 8, GGUF_BF16 = 30 };

typedef struct cursor {
  lz_source* source;
  uint64_t at;
  uint64_t window_at; /* the part of the source that window has */
  size_t window_size;
  char window[1 << 16];
} cursor;

static int cursor_end(const cursor* c, uint64_t n) {
  return error_fail(
      "[load_gguf] %s: %llu bytes at %llu are past the end (%llu): an "
      "incomplete download or a corrupt file?",
      source_label(c->source),
      (unsigned long long)n,
      (unsigned long long)c->at,
      (unsigned long long)source_size(c->source));
}

static bool cursor_has(const cursor* c, uint64_t n) {
  uint64_t size = source_size(c->source);
  return c->at <= size && n <= size - c->at;
}

static int cursor_take(cursor* c, void* to, uint64_t n) {
  if (!cursor_has(c, n)) return cursor_end(c, n);
  bool inside =
      c->at >= c->window_at && c->at + n <= c->window_at + c->window_size;
  if (!inside && n <= sizeof c->window) {
    uint64_t rest = source_size(c->source) - c->at;
    size_t size = rest < sizeof c->window ? (size_t)rest : sizeof c->window;
    if (source_read(c->source, c->window, size, c->at)) return 1;
    c->window_at = c->at;
    c->window_size = size;
    inside = true;
  }
  if (inside)
    memcpy(to, c->window + (c->at - c->window_at), (size_t)n);
  else if (source_read(c->source, to, (size_t)n, c->at))
    return 1;
  c->at += n;
  return 0;
}

static int cursor_u32(cursor* c, uint32_t* v) {
  return cursor_take(c, v, 4);
}
static int cursor_u64(cursor* c, uint64_t* v) {
  return cursor_take(c, v, 8);
}

/* A new text that ends in NUL; NULL with a message. */
static char* cursor_string(cursor* c) {
  uint64_t n;
  if (cursor_u64(c, &n)) return NULL;
  if (!cursor_has(c, n)) {
    cursor_end(c, n);
    return NULL;
  }
  char* text = malloc((size_t)n + 1);
  if (!text) return error_memory();
  if (cursor_take(c, text, n)) {
    free(text);
    return NULL;
  }
  text[n] = 0;
  return text;
}

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

typedef struct tensor {
  char* name;
  uint32_t type;
  int ndim;
  int32_t shape[GGUF_MAX_AXES];
  int64_t size;
  uint64_t offset; /* in the source, once the header has been read */
} tensor;

static int gguf_tensor_info(cursor* c, tensor* t) {
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

static int gguf_put(
    const cursor* c, lz_map* arrays, const char* name, lz_array* a) {
  lz_value v = {0};
  if (!a) return 1;
  if (map_find(arrays, name))
    return error_fail(
        "[load_gguf] %s: two arrays of the name '%s'",
        source_label(c->source),
        name);
  return value_array(&v, a) || map_insert(arrays, name, &v);
}

/* One block of 32 weights: scale, bias and, where it is given, words. */
typedef struct quant_block {
  uint16_t scale, bias;
  unsigned char words[32];
} quant_block;

static void gguf_block(
    uint32_t type, const unsigned char* from, quant_block* b) {
  memcpy(&b->scale, from, 2);
  float scale = dtype_f16_to_f32(b->scale);
  if (type == GGUF_Q8_0) {
    b->bias = dtype_f32_to_f16(-128 * scale);
    for (int i = 0; i < 32; i++) b->words[i] = from[2 + i] ^ 0x80;
    return;
  }
  b->bias = dtype_f32_to_f16(-8 * scale);
  from += 2;
  if (type == GGUF_Q4_1) {
    memcpy(&b->bias, from, 2);
    from += 2;
  }
  /* Weights i and i + 16 share a byte there, neighbours do here. */
  for (int i = 0; i < 8; i++) {
    unsigned char low = from[2 * i], high = from[2 * i + 1];
    b->words[i] = (unsigned char)((low & 15) | (high & 15) << 4);
    b->words[8 + i] = (unsigned char)((low >> 4) | (high & 0xF0));
  }
}

static int gguf_quantized(cursor* c, const tensor* t, lz_map* arrays) {
  if (t->ndim == 0 || t->shape[t->ndim - 1] % 32)
    return error_fail(
        "[load_gguf] %s: quantized tensor '%s' of shape %s: the last axis is "
        "no multiple of 32",
        source_label(c->source),
        t->name,
        error_shape(t->ndim, t->shape));
  size_t blocks = (size_t)t->size / 32, out = t->type == GGUF_Q8_0 ? 32 : 16;
  size_t width = t->type == GGUF_Q4_0 ? 18 : t->type == GGUF_Q4_1 ? 20 : 34;
  c->at = t->offset;
  if (!cursor_has(c, blocks * width)) return cursor_end(c, blocks * width);
  char* words = malloc(blocks * (out + 4) + 1);
  if (!words) return error_memory() == NULL;
  char *scales = words + blocks * out, *biases = scales + blocks * 2;
  int failed = 0;
  for (size_t i = 0; !failed && i < blocks; i++) {
    unsigned char raw[34];
    quant_block b;
    if ((failed = cursor_take(c, raw, width))) break;
    gguf_block(t->type, raw, &b);
    memcpy(words + i * out, b.words, out);
    memcpy(scales + 2 * i, &b.scale, 2);
    memcpy(biases + 2 * i, &b.bias, 2);
  }
  int32_t shape[GGUF_MAX_AXES], groups[GGUF_MAX_AXES];
  memcpy(shape, t->shape, sizeof shape);
  memcpy(groups, t->shape, sizeof groups);
  shape[t->ndim - 1] /= t->type == GGUF_Q8_0 ? 4 : 8;
  groups[t->ndim - 1] /= 32;
  /* MLX cuts the length of ".weight" off whatever the name ends in, where the
   * name is that long. */
  size_t n = strlen(t->name), stem = n < 7 ? n : n - 7;
  char* name = malloc(stem + 8);
  if (!name) {
    free(words);
    return error_memory() == NULL;
  }
  memcpy(name, t->name, stem);
  failed = failed ||
           gguf_put(
               c,
               arrays,
               t->name,
               scope_own(array_new_data(DTYPE_UINT32, t->ndim, shape, words)));
  strcpy(name + stem, ".scales");
  failed =
      failed ||
      gguf_put(
          c,
          arrays,
          name,
          scope_own(array_new_data(DTYPE_FLOAT16, t->ndim, groups, scales)));
  strcpy(name + stem, ".biases");
  failed =
      failed ||
      gguf_put(
          c,
          arrays,
          name,
          scope_own(array_new_data(DTYPE_FLOAT16, t->ndim, groups, biases)));
  free(name);
  free(words);
  return failed;
}

static int gguf_bf16(cursor* c, const tensor* t, lz_map* arrays) {
  c->at = t->offset;
  if (!cursor_has(c, 2 * (uint64_t)t->size))
    return cursor_end(c, 2 * (uint64_t)t->size);
  uint16_t* data = malloc(2 * (size_t)t->size + 1);
  if (!data) return error_memory() == NULL;
  int failed = cursor_take(c, data, 2 * (uint64_t)t->size);
  for (int64_t i = 0; !failed && i < t->size; i++)
    data[i] = dtype_f32_to_f16(dtype_bf16_to_f32(data[i]));
  failed =
      failed ||
      gguf_put(
          c,
          arrays,
          t->name,
          scope_own(array_new_data(DTYPE_FLOAT16, t->ndim, t->shape, data)));
  free(data);
  return failed;
}

static int gguf_tensor(
    cursor* c, const tensor* t, lz_stream* s, lz_map* arrays) {
  if (t->type == GGUF_Q4_0 || t->type == GGUF_Q4_1 || t->type == GGUF_Q8_0)
    return gguf_quantized(c, t, arrays);
  if (t->type == GGUF_BF16) return gguf_bf16(c, t, arrays);
  const gguf_type* type = gguf_tensor_type(t->type);
  if (!type)
    return error_fail(
        "[load_gguf] %s: tensor '%s' is of the unsupported type %u",
        source_label(c->source),
        t->name,
        t->type);
  uint64_t bytes = (uint64_t)t->size * dtype_size(type->stored);
  c->at = t->offset;
  if (!cursor_has(c, bytes)) return cursor_end(c, bytes);
  return gguf_put(
      c,
      arrays,
      t->name,
      op_load(c->source, t->offset, false, type->loaded, t->ndim, t->shape, s));
}

static int gguf_tensors_load(
    cursor* c, uint64_t n, uint64_t alignment, lz_stream* s, lz_map* arrays) {
  /* Each takes 24 bytes at least: a count that no file can hold is refused
   * before there is memory for it. */
  if (n && (n > UINT64_MAX / 24 || !cursor_has(c, 24 * n)))
    return cursor_end(c, n > UINT64_MAX / 24 ? n : 24 * n);
  tensor* tensors = calloc(n ? (size_t)n : 1, sizeof *tensors);
  if (!tensors) return error_memory() == NULL;
  int failed = 0;
  for (uint64_t i = 0; !failed && i < n; i++)
    failed = gguf_tensor_info(c, &tensors[i]);
  uint64_t data = (c->at + alignment - 1) / alignment * alignment;
  for (uint64_t i = 0; !failed && i < n; i++) {
    if (__builtin_add_overflow(tensors[i].offset, data, &tensors[i].offset))
      tensors[i].offset = UINT64_MAX;
    failed = gguf_tensor(c, &tensors[i], s, arrays);
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
