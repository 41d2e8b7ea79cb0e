#include "io/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "io/dense.h"
#include "io/load.h"
#include "ops/shape.h"

static const char magic[6] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y'};
#define NPY_MAX_HEADER (1u << 20)

/* Kind and size as the format's descr has them. */
static const char* const descrs[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "b1",
    [DTYPE_UINT8] = "u1",
    [DTYPE_UINT16] = "u2",
    [DTYPE_UINT32] = "u4",
    [DTYPE_UINT64] = "u8",
    [DTYPE_INT8] = "i1",
    [DTYPE_INT16] = "i2",
    [DTYPE_INT32] = "i4",
    [DTYPE_INT64] = "i8",
    [DTYPE_FLOAT16] = "f2",
    [DTYPE_FLOAT32] = "f4",
    [DTYPE_FLOAT64] = "f8",
    [DTYPE_BFLOAT16] = "V2",
    [DTYPE_COMPLEX64] = "c8"};

typedef struct npy_header {
  lz_dtype dtype;
  bool swap, fortran;
  int ndim;
  int32_t shape[LZ_MAX_DIMS];
} npy_header;

/* The text after 'key': in the header's dictionary, or NULL. */
static const char* npy_value(const char* text, const char* key) {
  char quoted[32];
  snprintf(quoted, sizeof quoted, "'%s':", key);
  const char* at = strstr(text, quoted);
  if (!at) return NULL;
  at += strlen(quoted);
  return at + strspn(at, " ");
}

static int npy_parse(const lz_source* s, const char* text, npy_header* h) {
  const char* descr = npy_value(text, "descr");
  const char* order = npy_value(text, "fortran_order");
  const char* shape = npy_value(text, "shape");
  if (!descr || !order || !shape || *descr != '\'' || *shape != '(')
    return error_fail(
        "[load] %s: the header lacks descr, fortran_order or "
        "shape",
        source_label(s));
  /* The header may end anywhere: '<f4' or nothing. */
  bool known = false;
  char endian = strnlen(descr, 5) == 5 && descr[4] == '\'' ? descr[1] : 0;
  for (int d = 0; endian && d < DTYPE_COUNT && !known; d++)
    if (strncmp(descr + 2, descrs[d], 2) == 0) {
      h->dtype = (lz_dtype)d;
      known = true;
    }
  if (!known || !strchr("<>|=", endian))
    return error_fail(
        "[load] %s: unsupported dtype %.8s", source_label(s), descr);
  h->swap = endian == '>' && dtype_size(h->dtype) > 1;
  h->fortran = strncmp(order, "True", 4) == 0;
  h->ndim = 0;
  for (const char* at = shape + 1; *at != ')';) {
    char* end;
    long long n = strtoll(at, &end, 10);
    if (end == at || n < 0 || n > INT32_MAX || h->ndim == LZ_MAX_DIMS)
      return error_fail("[load] %s: bad shape %.40s", source_label(s), shape);
    h->shape[h->ndim++] = (int32_t)n;
    at = end + strspn(end, ", ");
  }
  return 0;
}

lz_array* npy_load(lz_source* source, lz_stream* s) {
  unsigned char start[12];
  uint64_t at = source_start(source);
  if (source_read(source, start, 10, at)) return NULL;
  if (memcmp(start, magic, sizeof magic) != 0)
    return error_set(
        "[load] Invalid header in %s: not an npy file", source_label(source));
  uint32_t length = start[8] | (uint32_t)start[9] << 8;
  uint64_t text_at = at + 10;
  if (start[6] >= 2) {
    if (source_read(source, start + 10, 2, at + 10)) return NULL;
    length |= (uint32_t)start[10] << 16 | (uint32_t)start[11] << 24;
    text_at = at + 12;
  }
  if (start[6] < 1 || start[6] > 3)
    return error_set(
        "[load] %s: npy version %d is not supported",
        source_label(source),
        start[6]);
  if (length > NPY_MAX_HEADER)
    return error_set(
        "[load] %s: a header of %u bytes", source_label(source), length);
  char* text = malloc((size_t)length + 1);
  if (!text) return error_memory();
  npy_header h = {0};
  int failed = source_read(source, text, length, text_at);
  text[failed ? 0 : length] = 0;
  failed = failed || npy_parse(source, text, &h);
  free(text);
  if (failed) return NULL;

  /* The size must be there now: reading happens when nobody can complain. */
  uint64_t data_at = text_at + length, bytes = dtype_size(h.dtype);
  for (int i = 0; i < h.ndim; i++)
    if (__builtin_mul_overflow(bytes, (uint64_t)h.shape[i], &bytes))
      return error_set(
          "[load] %s: bad shape %s",
          source_label(source),
          error_shape(h.ndim, h.shape));
  if (data_at > source_size(source) || bytes > source_size(source) - data_at)
    return error_set(
        "[load] %s: %llu bytes of data are missing",
        source_label(source),
        (unsigned long long)(data_at + bytes - source_size(source)));
  if (!h.fortran)
    return op_load(source, data_at, h.swap, h.dtype, h.ndim, h.shape, s);
  int32_t reversed[LZ_MAX_DIMS];
  for (int i = 0; i < h.ndim; i++) reversed[i] = h.shape[h.ndim - 1 - i];
  return op_transpose_all(
      op_load(source, data_at, h.swap, h.dtype, h.ndim, reversed, s), s);
}

static int npy_write_header(lz_sink* sink, const lz_array* a, bool fortran) {
  char text[1024];
  int n = snprintf(
      text,
      sizeof text,
      "{'descr': '%s%s', 'fortran_order': %s, 'shape': (",
      dtype_size((lz_dtype)a->dtype) == 1 ? "|" : "<",
      descrs[a->dtype],
      fortran ? "True" : "False");
  for (int i = 0; i < a->ndim; i++)
    n += snprintf(
        text + n, sizeof text - (size_t)n, i ? ", %d" : "%d", a->shape[i]);
  n += snprintf(
      text + n, sizeof text - (size_t)n, "%s), }", a->ndim == 1 ? "," : "");
  /* Data starts at a multiple of 64. */
  int total = (10 + n + 1 + 63) / 64 * 64;
  unsigned length = (unsigned)(total - 10);
  while (n < (int)length - 1) text[n++] = ' ';
  text[n++] = '\n';
  unsigned char start[10] = {0};
  memcpy(start, magic, sizeof magic);
  start[6] = 1;
  start[8] = (unsigned char)length;
  start[9] = (unsigned char)(length >> 8);
  return sink_expect(sink, (uint64_t)total + array_nbytes(a)) ||
         sink_write(sink, start, sizeof start) ||
         sink_write(sink, text, length);
}

int npy_save(lz_sink* sink, const lz_array* a) {
  bool row = a->flags & ARRAY_ROW_CONTIGUOUS;
  bool col = !row && (a->flags & ARRAY_COL_CONTIGUOUS);
  if (npy_write_header(sink, a, col)) return 1;
  if (col) return sink_write(sink, array_data(a), array_nbytes(a));
  return dense_write(sink, a);
}
