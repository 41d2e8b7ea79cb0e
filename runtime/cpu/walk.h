/* Walks the index space that several strided arrays share, in row-major order.
 *
 * A walk is the space, a walk_at a place in it: threads share the one and have
 * each their own of the other. Offsets count elements of each view. */
#ifndef CPU_WALK_H
#define CPU_WALK_H

#include <assert.h>
#include <string.h>

#include "cpu/tile.h"
#include "cpu/view.h"

enum { WALK_VIEWS = 5 };

typedef struct walk {
  int ndim, views;
  int64_t size;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[WALK_VIEWS][LZ_MAX_DIMS];
} walk;

typedef struct walk_at {
  int32_t index[LZ_MAX_DIMS];
  int64_t offset[WALK_VIEWS];
} walk_at;

/* The space of views[0] without axis `skip` (none: -1). The others have its
 * shape but for that axis. */
static inline void walk_make(
    walk* w, int views, const lz_view* const* v, int skip) {
  assert(views <= WALK_VIEWS);
  w->views = views;
  w->size = 1;
  int n = 0;
  for (int i = 0; i < v[0]->ndim; i++) {
    if (i == skip) continue;
    w->shape[n] = v[0]->shape[i];
    w->size *= v[0]->shape[i];
    for (int k = 0; k < views; k++) w->strides[k][n] = v[k]->strides[i];
    n++;
  }
  w->ndim = view_collapse(views, n, w->shape, w->strides);
}

static inline void walk_seek(const walk* w, walk_at* at, int64_t place) {
  memset(at->offset, 0, sizeof at->offset);
  for (int i = w->ndim; i-- > 0;) {
    int64_t rest = place / w->shape[i];
    at->index[i] = (int32_t)(place - rest * w->shape[i]);
    place = rest;
    for (int k = 0; k < w->views; k++)
      at->offset[k] += at->index[i] * w->strides[k][i];
  }
}

static inline void walk_next(const walk* w, walk_at* at) {
  for (int i = w->ndim; i-- > 0;) {
    if (++at->index[i] < w->shape[i]) {
      for (int k = 0; k < w->views; k++) at->offset[k] += w->strides[k][i];
      return;
    }
    at->index[i] = 0;
    for (int k = 0; k < w->views; k++)
      at->offset[k] -= (w->shape[i] - 1) * w->strides[k][i];
  }
}

/* Places from here to the end of the innermost axis, this one counted. */
static inline int64_t walk_left(const walk* w, const walk_at* at) {
  return w->shape[w->ndim - 1] - at->index[w->ndim - 1];
}

/* Moves on by n ≤ walk_left() places; the last place of all wraps around. */
static inline void walk_skip(const walk* w, walk_at* at, int64_t n) {
  int last = w->ndim - 1;
  at->index[last] += (int32_t)n - 1;
  for (int k = 0; k < w->views; k++)
    at->offset[k] += (n - 1) * w->strides[k][last];
  walk_next(w, at);
}

/* Stride of view k along the innermost axis. */
static inline int64_t walk_stride(const walk* w, int k) {
  return w->strides[k][w->ndim - 1];
}

#define WALK_COPY(type)                                        \
  do {                                                         \
    type* d = dst;                                             \
    const type* s = src;                                       \
    if (to == -1 && from == 1) /* vectorised: both known */    \
      for (int64_t i = 0; i < n; i++) d[-i] = s[i];            \
    else                                                       \
      for (int64_t i = 0; i < n; i++) d[i * to] = s[i * from]; \
  } while (0)

/* n elements of `size` bytes from every `from`th of src to every `to`th of
 * dst. */
static inline void walk_copy(
    void* dst,
    int64_t to,
    const void* src,
    int64_t from,
    int64_t n,
    size_t size) {
  if (to == 1 && from == 1) {
    memcpy(dst, src, (size_t)n * size);
    return;
  }
  if (to == 1 && n <= INT32_MAX) {
    tile_load(dst, src, 0, from, 1, (int)n, size);
    return;
  }
  switch (size) {
    case 1:
      WALK_COPY(uint8_t);
      break;
    case 2:
      WALK_COPY(uint16_t);
      break;
    case 4:
      WALK_COPY(uint32_t);
      break;
    default:
      WALK_COPY(uint64_t);
      break;
  }
}

#endif
