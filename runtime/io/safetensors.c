#include "io/safetensors.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "io/dense.h"
#include "io/load.h"

#define SAFETENSORS_MAX_HEADER UINT64_C(100000000)
static const char metadata_key[] = "__metadata__";

/* NULL: MLX writes no such arrays. */
static const char* const names[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "BOOL",
    [DTYPE_UINT8] = "U8",
    [DTYPE_UINT16] = "U16",
    [DTYPE_UINT32] = "U32",
    [DTYPE_UINT64] = "U64",
    [DTYPE_INT8] = "I8",
    [DTYPE_INT16] = "I16",
    [DTYPE_INT32] = "I32",
    [DTYPE_INT64] = "I64",
    [DTYPE_FLOAT16] = "F16",
    [DTYPE_FLOAT32] = "F32",
    [DTYPE_BFLOAT16] = "BF16",
    [DTYPE_COMPLEX64] = "C64"};

/* 8-bit floats are read as their bits. */
static int safetensors_dtype(const char* name) {
  for (int d = 0; d < DTYPE_COUNT; d++)
    if (names[d] && strcmp(names[d], name) == 0) return d;
  if (strcmp(name, "F8_E4M3") == 0 || strcmp(name, "F8_E8M0") == 0)
    return DTYPE_UINT8;
  return -1;
}

/* ---- reading ------------------------------------------------------------- */

typedef struct header {
  lz_source* source;
  lz_stream* stream;
  uint64_t data; /* where the data starts */
} header;

/* Non-zero where the item is no whole number from 0 to most. */
static int header_number(const cJSON* item, double most, uint64_t* value) {
  if (!cJSON_IsNumber(item)) return 1;
  double v = item->valuedouble;
  if (!(v >= 0) || v > most || v != floor(v)) return 1;
  *value = (uint64_t)v;
  return 0;
}

static int header_tensor(const header* h, const cJSON* item, lz_map* arrays) {
  const char *file = source_label(h->source), *name = item->string;
  const cJSON* type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
  const cJSON* dims = cJSON_GetObjectItemCaseSensitive(item, "shape");
  const cJSON* span = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  if (!cJSON_IsString(type) || !cJSON_IsArray(dims) || !cJSON_IsArray(span))
    return error_fail(
        "[load_safetensors] %s: tensor '%s' lacks dtype, shape or "
        "data_offsets",
        file,
        name);
  int dtype = safetensors_dtype(type->valuestring);
  if (dtype < 0)
    return error_fail(
        "[load_safetensors] %s: tensor '%s' has the unsupported dtype %s",
        file,
        name,
        type->valuestring);
  int32_t shape[LZ_MAX_DIMS];
  int ndim = 0;
  uint64_t bytes = dtype_size((lz_dtype)dtype), n;
  const cJSON* dim;
  cJSON_ArrayForEach(dim, dims) {
    if (ndim == LZ_MAX_DIMS || header_number(dim, INT32_MAX, &n) ||
        __builtin_mul_overflow(bytes, n, &bytes))
      return error_fail(
          "[load_safetensors] %s: tensor '%s' has a bad shape (axis %d)",
          file,
          name,
          ndim);
    shape[ndim++] = (int32_t)n;
  }
  uint64_t from, to;
  if (cJSON_GetArraySize(span) != 2 ||
      header_number(cJSON_GetArrayItem(span, 0), 0x1p53, &from) ||
      header_number(cJSON_GetArrayItem(span, 1), 0x1p53, &to))
    return error_fail(
        "[load_safetensors] %s: tensor '%s': data_offsets are not two numbers",
        file,
        name);
  if (to < from || to - from != bytes)
    return error_fail(
        "[load_safetensors] %s: tensor '%s' has data offsets (%llu, %llu), but "
        "%s of shape %s takes %llu bytes",
        file,
        name,
        (unsigned long long)from,
        (unsigned long long)to,
        type->valuestring,
        error_shape(ndim, shape),
        (unsigned long long)bytes);
  uint64_t size = source_size(h->source);
  if (h->data + to > size)
    return error_fail(
        "[load_safetensors] %s: tensor '%s' ends at byte %llu of a file of "
        "%llu: an incomplete download?",
        file,
        name,
        (unsigned long long)(h->data + to),
        (unsigned long long)size);
  lz_array* a = op_load(
      h->source,
      h->data + from,
      false,
      (lz_dtype)dtype,
      ndim,
      shape,
      h->stream);
  lz_value v = {0};
  return !a || value_array(&v, a) || map_insert(arrays, name, &v);
}

static int header_metadata(
    const header* h, const cJSON* texts, lz_map* metadata) {
  /* MLX writes null where it has none. */
  if (!cJSON_IsObject(texts) && !cJSON_IsNull(texts))
    return error_fail(
        "[load_safetensors] %s: %s is no JSON object",
        source_label(h->source),
        metadata_key);
  const cJSON* item;
  cJSON_ArrayForEach(item, texts) {
    lz_value v = {0};
    if (!cJSON_IsString(item))
      return error_fail(
          "[load_safetensors] %s: metadata '%s' is no string",
          source_label(h->source),
          item->string);
    if (value_string(&v, item->valuestring) ||
        map_insert(metadata, item->string, &v))
      return 1;
  }
  return 0;
}

/* The header's text of *n bytes, ends in NUL; NULL with a message. */
static char* header_read(header* h, uint64_t* n) {
  const char* file = source_label(h->source);
  uint64_t start = source_start(h->source), size = source_size(h->source);
  if (size - start < 8)
    return error_set(
        "[load_safetensors] %s: %llu bytes are no safetensors file",
        file,
        (unsigned long long)(size - start));
  unsigned char length[8];
  if (source_read(h->source, length, 8, start)) return NULL;
  *n = 0;
  for (int i = 8; i-- > 0;) *n = *n << 8 | length[i];
  if (*n == 0 || *n >= SAFETENSORS_MAX_HEADER)
    return error_set(
        "[load_safetensors] %s: invalid header length %llu",
        file,
        (unsigned long long)*n);
  if (*n > size - start - 8)
    return error_set(
        "[load_safetensors] %s: the header is %llu bytes long but the file "
        "only %llu: an incomplete download?",
        file,
        (unsigned long long)*n,
        (unsigned long long)size);
  char* text = malloc((size_t)*n + 1);
  if (!text) return error_memory();
  if (source_read(h->source, text, (size_t)*n, start + 8)) {
    free(text);
    return NULL;
  }
  text[*n] = 0;
  h->data = start + 8 + *n;
  return text;
}

int safetensors_load(
    lz_source* source, lz_stream* s, lz_map* arrays, lz_map* metadata) {
  header h = {source, s, 0};
  uint64_t n = 0;
  char* text = header_read(&h, &n);
  if (!text) return 1;
  const char* end = NULL;
  cJSON* json = cJSON_ParseWithLengthOpts(text, (size_t)n, &end, false);
  int failed = 0;
  if (!json)
    failed = error_fail(
        "[load_safetensors] %s: the header is not JSON at byte %zu",
        source_label(source),
        end ? (size_t)(end - text) : 0);
  else if (!cJSON_IsObject(json))
    failed = error_fail(
        "[load_safetensors] %s: the header is no JSON object",
        source_label(source));
  free(text);
  const cJSON* item;
  if (!failed) cJSON_ArrayForEach(item, json) {
      failed = strcmp(item->string, metadata_key) == 0
                   ? header_metadata(&h, item, metadata)
                   : header_tensor(&h, item, arrays);
      if (failed) break;
    }
  cJSON_Delete(json);
  return failed;
}

/* ---- writing ------------------------------------------------------------- */

int safetensors_check(const lz_map* arrays) {
  for (size_t i = 0; i < arrays->count; i++) {
    const lz_array* a = arrays->entries[i].value.array;
    if (!names[a->dtype])
      return error_fail(
          "[save_safetensors] array '%s': the format has no %s",
          arrays->entries[i].key,
          dtype_name((lz_dtype)a->dtype));
  }
  return 0;
}

static cJSON* header_of(const lz_map* arrays, const lz_map* metadata) {
  cJSON* json = cJSON_CreateObject();
  cJSON* texts = json ? cJSON_AddObjectToObject(json, metadata_key) : NULL;
  bool fine = texts != NULL;
  for (size_t i = 0; fine && metadata && i < metadata->count; i++)
    fine = cJSON_AddStringToObject(
        texts, metadata->entries[i].key, metadata->entries[i].value.text);
  double at = 0;
  for (size_t i = 0; fine && i < arrays->count; i++) {
    const lz_array* a = arrays->entries[i].value.array;
    cJSON* item = cJSON_AddObjectToObject(json, arrays->entries[i].key);
    fine = item && cJSON_AddStringToObject(item, "dtype", names[a->dtype]);
    cJSON* shape = cJSON_CreateIntArray(a->shape, a->ndim);
    fine = fine && shape && cJSON_AddItemToObject(item, "shape", shape);
    double end = at + (double)array_nbytes(a);
    cJSON* span = cJSON_CreateDoubleArray((const double[]){at, end}, 2);
    fine = fine && span && cJSON_AddItemToObject(item, "data_offsets", span);
    at = end;
  }
  if (fine) return json;
  cJSON_Delete(json);
  return error_memory();
}

int safetensors_save(
    lz_sink* sink, const lz_map* arrays, const lz_map* metadata) {
  cJSON* json = header_of(arrays, metadata);
  if (!json) return 1;
  char* text = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  if (!text) return error_memory() == NULL;
  uint64_t n = strlen(text);
  unsigned char length[8];
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)(n >> 8 * i);
  uint64_t bytes = 8 + n;
  for (size_t i = 0; i < arrays->count; i++)
    bytes += array_nbytes(arrays->entries[i].value.array);
  int failed = sink_expect(sink, bytes) || sink_write(sink, length, 8) ||
               sink_write(sink, text, n);
  cJSON_free(text);
  for (size_t i = 0; !failed && i < arrays->count; i++)
    failed = dense_write(sink, arrays->entries[i].value.array);
  return failed;
}
