#include "cpu/tile.h"

#include <string.h>

#include "cpu/isa.h"
#include "cpu/view.h"

ISA_DECLARE(tile_table, tile_kernels)

static const tile_table* tile_best(void) {
  return ISA_PICK(tile_kernels);
}
static int tile_log2(size_t size) {
  return __builtin_ctz((unsigned)size);
}

/* Bytes that the C library fills faster than a loop: it asks the processor not
 * to read what it overwrites. */
enum { FILL_BYTES = 4 << 10 };

void tile_fill(void* to, const void* element, int n, size_t size) {
  size_t bytes = (size_t)n * size;
  if (bytes >= FILL_BYTES) {
    const unsigned char* x = element;
    size_t same = 1;
    while (same < size && x[same] == x[0]) same++;
    if (same == size) {
      memset(to, x[0], bytes);
      return;
    }
  }
  tile_best()->splat[tile_log2(size)](to, element, n);
}

void tile_load(
    void* tile,
    const void* array,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size) {
  tile_best()->load[tile_log2(size)](
      tile, columns, array, row, column, rows, columns);
}

void tile_move(
    void* to,
    int64_t to_row,
    const void* array,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size) {
  tile_best()->load[tile_log2(size)](
      to, to_row, array, row, column, rows, columns);
}

void tile_store(
    void* array,
    const void* tile,
    int64_t row,
    int64_t column,
    int rows,
    int columns,
    size_t size) {
  tile_best()->store[tile_log2(size)](array, tile, row, column, rows, columns);
}

void tile_stream(void* to, const void* from, size_t bytes) {
  tile_best()->stream(to, from, bytes);
}

void tile_stream_end(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

/* A place in the shape, and its offset in the array. */
typedef struct cursor {
  int64_t index[LZ_MAX_DIMS], offset;
} cursor;

static void cursor_set(
    cursor* c,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first) {
  c->offset = 0;
  for (int d = ndim; d-- > 0;) {
    c->index[d] = first % shape[d];
    first /= shape[d];
    c->offset += c->index[d] * strides[d];
  }
}

/* On by `by` along axis d, whose extent that does not pass, and from its end to
 * the next place of the axes before it. */
static void cursor_move(
    cursor* c,
    int d,
    int64_t by,
    const int32_t* shape,
    const int64_t* strides) {
  c->index[d] += by;
  c->offset += by * strides[d];
  for (; d > 0 && c->index[d] == shape[d]; d--) {
    c->index[d] = 0;
    c->offset -= shape[d] * strides[d];
    c->index[d - 1]++;
    c->offset += strides[d - 1];
  }
}

/* The largest plane of the last two axes at the cursor with at most n elements:
 * whole rows, or part of one. */
static void cursor_plane(
    const cursor* c,
    int ndim,
    const int32_t* shape,
    int n,
    int* rows,
    int* columns) {
  int last = ndim - 1;
  *rows = 1;
  *columns = shape[last];
  if (c->index[last] || n < shape[last]) {
    int64_t left = shape[last] - c->index[last];
    *columns = left < n ? (int)left : n;
  } else if (ndim > 1) {
    int64_t left = shape[last - 1] - c->index[last - 1];
    int whole = n / shape[last];
    *rows = left < whole ? (int)left : whole;
  }
}

static void cursor_pass(
    cursor* c,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int rows,
    int columns) {
  int last = ndim - 1;
  if (columns == shape[last] && last > 0)
    cursor_move(c, last - 1, rows, shape, strides);
  else
    cursor_move(c, last, columns, shape, strides);
}

void tile_gather(
    void* tile,
    const void* array,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n) {
  cursor c;
  cursor_set(&c, ndim, shape, strides, first);
  int64_t row = ndim > 1 ? strides[ndim - 2] : 0;
  for (char* to = tile; n;) {
    int rows, columns;
    cursor_plane(&c, ndim, shape, n, &rows, &columns);
    const char* from = (const char*)array + c.offset * (int64_t)size;
    tile_load(to, from, row, strides[ndim - 1], rows, columns, size);
    to += (size_t)(rows * columns) * size;
    n -= rows * columns;
    if (n) cursor_pass(&c, ndim, shape, strides, rows, columns);
  }
}

void tile_scatter(
    void* array,
    const void* tile,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n) {
  cursor c;
  cursor_set(&c, ndim, shape, strides, first);
  int64_t row = ndim > 1 ? strides[ndim - 2] : 0;
  for (const char* from = tile; n;) {
    int rows, columns;
    cursor_plane(&c, ndim, shape, n, &rows, &columns);
    char* to = (char*)array + c.offset * (int64_t)size;
    tile_store(to, from, row, strides[ndim - 1], rows, columns, size);
    from += (size_t)(rows * columns) * size;
    n -= rows * columns;
    if (n) cursor_pass(&c, ndim, shape, strides, rows, columns);
  }
}
