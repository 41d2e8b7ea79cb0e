#include "cpu/tile.h"

#include <string.h>

#include "cpu/view.h"

/* One body for each element size; memcpy keeps to what arrays' alignment
 * allows and costs nothing. */
#define BY_SIZE(size, _) \
  switch (size) {        \
    case 1:              \
      _(uint8_t);        \
    case 2:              \
      _(uint16_t);       \
    case 4:              \
      _(uint32_t);       \
    default:             \
      _(uint64_t);       \
  }

#define FILL(T)                               \
  {                                           \
    T value, *t = to;                         \
    memcpy(&value, element, sizeof value);    \
    for (int i = 0; i < n; i++) t[i] = value; \
    return;                                   \
  }
void tile_fill(void* to, const void* element, int n, size_t size) {
  BY_SIZE(size, FILL)
}

#define LOAD(T)                                       \
  {                                                   \
    T* t = to;                                        \
    const T* f = from;                                \
    for (int i = 0; i < n; i++) t[i] = f[i * stride]; \
    return;                                           \
  }
void tile_load(void* to, const void* from, int64_t stride, int n, size_t size) {
  if (stride == 0) {
    tile_fill(to, from, n, size);
    return;
  }
  if (stride == 1) {
    memcpy(to, from, (size_t)n * size);
    return;
  }
  BY_SIZE(size, LOAD)
}

#define STORE(T)                                      \
  {                                                   \
    T* t = to;                                        \
    const T* f = from;                                \
    for (int i = 0; i < n; i++) t[i * stride] = f[i]; \
    return;                                           \
  }
void tile_store(
    void* to, const void* from, int64_t stride, int n, size_t size) {
  if (stride == 1) {
    memcpy(to, from, (size_t)n * size);
    return;
  }
  BY_SIZE(size, STORE)
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

/* On to the start of the next row. */
static void cursor_next_row(
    cursor* c, int ndim, const int32_t* shape, const int64_t* strides) {
  int d = ndim - 1;
  c->offset -= c->index[d] * strides[d];
  c->index[d] = 0;
  while (d-- > 0) {
    c->offset += strides[d];
    if (++c->index[d] < shape[d]) return;
    c->offset -= shape[d] * strides[d];
    c->index[d] = 0;
  }
}

void tile_gather(
    void* to,
    const void* array,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n) {
  cursor c;
  cursor_set(&c, ndim, shape, strides, first);
  char* t = to;
  for (;;) {
    int64_t left = shape[ndim - 1] - c.index[ndim - 1];
    int m = left < n ? (int)left : n;
    tile_load(
        t,
        (const char*)array + c.offset * (int64_t)size,
        strides[ndim - 1],
        m,
        size);
    t += (size_t)m * size;
    n -= m;
    if (!n) return;
    cursor_next_row(&c, ndim, shape, strides);
  }
}

void tile_scatter(
    void* array,
    const void* from,
    size_t size,
    int ndim,
    const int32_t* shape,
    const int64_t* strides,
    int64_t first,
    int n) {
  cursor c;
  cursor_set(&c, ndim, shape, strides, first);
  const char* f = from;
  for (;;) {
    int64_t left = shape[ndim - 1] - c.index[ndim - 1];
    int m = left < n ? (int)left : n;
    tile_store(
        (char*)array + c.offset * (int64_t)size, f, strides[ndim - 1], m, size);
    f += (size_t)m * size;
    n -= m;
    if (!n) return;
    cursor_next_row(&c, ndim, shape, strides);
  }
}
