#include "cpu/copy.h"

#include <string.h>

#include "cpu/program.h"
#include "cpu/tile.h"
#include "stream/pool.h"

/* PART    bytes that are worth a thread
 * STREAM  bytes from which on an output goes past the caches, and of a row
 *         that may */
#if defined(LAZULI_HOSTILE)
enum { PART = 64, STREAM = 64, STREAM_ROW = 16 };
#else
enum { PART = 256 << 10, STREAM = 4 << 20, STREAM_ROW = 512 };
#endif

/* Rows of bytes that lie together on either side, or of which each is one
 * element again and again. Strides count bytes. */
typedef struct copy_job {
  char* to;
  const char* from;
  int ndim; /* axes of rows */
  int32_t shape[LZ_MAX_DIMS];
  int64_t to_stride[LZ_MAX_DIMS], from_stride[LZ_MAX_DIMS];
  size_t bytes, chunk; /* of a row, and of the parts that one is cut into */
  int64_t chunks;
  size_t fill; /* bytes of the element that a row repeats; 0: rows are copied */
  bool stream;
} copy_job;

#define COPY_FIXED(n)                                             \
  case n:                                                         \
    for (int64_t i = 0; i < rows; i++, to += to_row, from += row) \
      memcpy(to, from, n);                                        \
    return

/* Rows of a few bytes cost more to call memcpy for than to move. */
static void copy_rows(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t rows,
    size_t bytes) {
  switch (bytes) {
    COPY_FIXED(1);
    COPY_FIXED(2);
    COPY_FIXED(4);
    COPY_FIXED(8);
    COPY_FIXED(12);
    COPY_FIXED(16);
    COPY_FIXED(24);
    COPY_FIXED(32);
    COPY_FIXED(64);
  }
  if (bytes >= 16 && bytes <= 32) {
    size_t last = bytes - 16;
    for (int64_t i = 0; i < rows; i++, to += to_row, from += row) {
      memcpy(to, from, 16);
      memcpy(to + last, from + last, 16);
    }
    return;
  }
  for (int64_t i = 0; i < rows; i++, to += to_row, from += row)
    memcpy(to, from, bytes);
}

/* `bytes` of an element of `size` bytes, the last of them as often as fits. */
static void fill_row(char* to, const char* element, size_t size, size_t bytes) {
  char pattern[16];
  for (size_t i = 0; i < sizeof pattern; i += size)
    memcpy(pattern + i, element, size);
  if (bytes >= 64) {
    tile_fill(to, element, (int)(bytes / size), size);
  } else if (bytes >= 16) {
    for (size_t i = 0; i + 16 < bytes; i += 16) memcpy(to + i, pattern, 16);
    memcpy(to + bytes - 16, pattern, 16);
  } else if (bytes >= 8) {
    memcpy(to, pattern, 8);
    memcpy(to + bytes - 8, pattern, 8);
  } else if (bytes >= 4) {
    memcpy(to, pattern, 4);
    memcpy(to + bytes - 4, pattern, 4);
  } else {
    for (size_t i = 0; i < bytes; i++) to[i] = pattern[i];
  }
}

#define FILL_FIXED(type, n)                                         \
  if (bytes == n * sizeof(type)) {                                  \
    for (int64_t i = 0; i < rows; i++, to += to_row, from += row) { \
      type x[n];                                                    \
      memcpy(x, from, sizeof(type));                                \
      for (int k = 1; k < n; k++) x[k] = x[0];                      \
      memcpy(to, x, sizeof x);                                      \
    }                                                               \
    return;                                                         \
  }
#define FILL_FEW(type)  \
  case sizeof(type):    \
    FILL_FIXED(type, 2) \
    FILL_FIXED(type, 4) \
    FILL_FIXED(type, 8) \
    break;

static void fill_rows(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t rows,
    size_t bytes,
    size_t size) {
  switch (size) {
    FILL_FEW(uint8_t)
    FILL_FEW(uint16_t)
    FILL_FEW(uint32_t)
    FILL_FEW(uint64_t)
  }
  for (int64_t i = 0; i < rows; i++, to += to_row, from += row)
    fill_row(to, from, size, bytes);
}

/* Rows [row, row + n) of the innermost of their axes, or a chunk of one. */
static void copy_stretch(
    const copy_job* j,
    char* to,
    const char* from,
    int64_t n,
    size_t skip,
    size_t bytes) {
  int last = j->ndim - 1;
  int64_t to_row = j->to_stride[last], row = j->from_stride[last];
  to += skip;
  if (j->fill)
    fill_rows(to, to_row, from, row, n, bytes, j->fill);
  else if (!j->stream)
    copy_rows(to, to_row, from + skip, row, n, bytes);
  else
    for (from += skip; n--; to += to_row, from += row)
      tile_stream(to, from, bytes);
}

static void copy_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const copy_job* j = ctx;
  int last = j->ndim - 1;
  while (begin < end) {
    int64_t row = begin / j->chunks, left = row, to = 0, from = 0, index = 0;
    for (int d = last; d >= 0; d--) {
      int64_t at = left % j->shape[d];
      left /= j->shape[d];
      if (d == last) index = at;
      to += at * j->to_stride[d];
      from += at * j->from_stride[d];
    }
    if (j->chunks > 1) {
      size_t skip = (size_t)(begin % j->chunks) * j->chunk;
      size_t rest = j->bytes - skip;
      copy_stretch(
          j,
          j->to + to,
          j->from + from,
          1,
          skip,
          rest < j->chunk ? rest : j->chunk);
      begin++;
      continue;
    }
    int64_t n = j->shape[last] - index;
    if (n > end - begin) n = end - begin;
    copy_stretch(j, j->to + to, j->from + from, n, 0, j->bytes);
    begin += n;
  }
  if (j->stream) tile_stream_end();
}

bool copy_same(const lz_view* to, const lz_view* from) {
  copy_job j = {.to = to->data, .from = from->data};
  int64_t strides[2][LZ_MAX_DIMS];
  size_t size = dtype_size(to->dtype);
  for (int d = 0; d < to->ndim; d++) {
    j.shape[d] = to->shape[d];
    strides[0][d] = to->strides[d];
    strides[1][d] = from->strides[d];
  }
  int last = view_collapse(2, to->ndim, j.shape, strides) - 1;
  int32_t inner = j.shape[last];
  if (inner == 0) return true;
  if (inner != 1 && (strides[0][last] != 1 || (strides[1][last] & ~INT64_C(1))))
    return false;
  if (inner != 1 && strides[1][last] == 0) j.fill = size;
  j.bytes = (size_t)inner * size;
  j.ndim = last;
  int64_t rows = 1;
  for (int d = 0; d < last; d++) {
    rows *= j.shape[d];
    j.to_stride[d] = strides[0][d] * (int64_t)size;
    j.from_stride[d] = strides[1][d] * (int64_t)size;
  }
  if (rows == 0) return true;
  if (last == 0) { /* one row */
    j.ndim = 1;
    j.shape[0] = 1;
  }
  size_t total = (size_t)rows * j.bytes;
  j.chunk = PART;
  j.chunks =
      rows < 64 && j.bytes > PART ? (int64_t)((j.bytes + PART - 1) / PART) : 1;
  j.stream =
      !j.fill && total >= STREAM && j.bytes >= STREAM_ROW && j.to != j.from;
  size_t unit = j.chunks > 1 ? PART : j.bytes;
  pool_for(rows * j.chunks, (int64_t)(PART / unit), copy_part, &j);
  return true;
}

void copy_run(const lz_view* to, const lz_view* from) {
  bool converts = to->dtype != from->dtype;
  if (!converts && copy_same(to, from)) return;
  /* The finished program of one conversion, or of none at all. */
  static const uint16_t source = 0, result = 1;
  size_t size = dtype_size(to->dtype), other = dtype_size(from->dtype);
  lz_instr convert = {
      .op = EW_ASTYPE,
      .dtype = (uint8_t)from->dtype,
      .out_dtype = (uint8_t)to->dtype,
      .dst = result,
      .src = {source, source, source}};
  lz_program p = {
      .n_inputs = 1,
      .n_outputs = 1,
      .n_instrs = converts,
      .n_registers = 1 + converts,
      .cost = 2,
      .max_size = (int)(size > other ? size : other),
      .n_bound = 1 + converts,
      .instrs = &convert,
      .output_registers = converts ? &result : &source};
  program_run(&p, to->ndim, to->shape, from, to);
}

/* ---- concatenation ------------------------------------------------------- */

enum { JOINED = 64, BLOCK_BYTES = 16 << 10 };

typedef struct join_job {
  int n;
  char* to[JOINED];
  const char* from[JOINED];
  int64_t row[JOINED];
  size_t bytes[JOINED];
  int64_t to_row;
} join_job;

/* A few rows of all inputs before the next ones: the lines of a row belong to
 * several. */
static void join_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const join_job* j = ctx;
  int64_t block = BLOCK_BYTES / j->to_row + 1;
  for (; begin < end; begin += block) {
    int64_t rows = end - begin < block ? end - begin : block;
    for (int i = 0; i < j->n; i++)
      copy_rows(
          j->to[i] + begin * j->to_row,
          j->to_row,
          j->from[i] + begin * j->row[i],
          j->row[i],
          rows,
          j->bytes[i]);
  }
}

/* Bytes that lie together in each of the rows of the axes before `axis`, and
 * how far rows are apart; 0 if there are no such rows. */
static size_t join_shape(const lz_view* v, int axis, int64_t* row) {
  int64_t size = (int64_t)dtype_size(v->dtype), apart = 0, expected = 1;
  for (int d = v->ndim; d-- > axis;) {
    if (v->shape[d] != 1 && v->strides[d] != expected) return 0;
    expected *= v->shape[d];
  }
  int64_t rows = 1;
  for (int d = axis; d-- > 0;) {
    if (v->shape[d] == 1) continue;
    if (rows == 1)
      apart = v->strides[d];
    else if (v->strides[d] != rows * apart)
      return 0;
    rows *= v->shape[d];
  }
  *row = apart * size;
  return (size_t)(expected * size);
}

void copy_joined(const lz_view* to, int axis, int n, const lz_view* from) {
  int64_t rows = 1;
  for (int d = 0; d < axis; d++) rows *= to->shape[d];
  size_t size = dtype_size(to->dtype);
  char* at = to->data;
  join_job j = {.n = 0, .to_row = 0};
  size_t total = join_shape(to, axis, &j.to_row);
  bool together = rows > 1 && total && total <= BLOCK_BYTES;
  int64_t grain = total ? (int64_t)(PART / total) : 1;
  for (int i = 0; i < n; i++) {
    lz_view part = {at, to->dtype, to->ndim, from[i].shape, to->strides};
    at += (size_t)(from[i].shape[axis] * to->strides[axis]) * size;
    j.to[j.n] = part.data;
    j.from[j.n] = from[i].data;
    if (together && (j.bytes[j.n] = join_shape(&from[i], axis, &j.row[j.n])))
      j.n++;
    else
      copy_run(&part, &from[i]);
    if (j.n == JOINED || (j.n && i == n - 1)) {
      pool_for(rows, grain, join_rows, &j);
      j.n = 0;
    }
  }
}
