#include "core/array.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/node.h"
#include "memory/alloc.h"
#include "memory/slab.h"
#include "probe/probe.h"

lz_array* array_new(lz_dtype dtype, int ndim, const int32_t* shape) {
  lz_array* a = slab_get(SLAB_ARRAY, sizeof *a);
  if (!a) return error_memory();
  a->shape = a->inline_shape;
  a->strides = a->inline_strides;
  if (__builtin_expect(ndim > ARRAY_INLINE_DIMS, 0)) {
    size_t n = (size_t)ndim;
    int64_t* more = malloc(n * (sizeof(int64_t) + sizeof(int32_t)));
    if (!more) {
      slab_put(SLAB_ARRAY, a, sizeof *a);
      return error_memory();
    }
    a->strides = more;
    a->shape = (int32_t*)(more + n);
  }
  atomic_init(&a->refs, 1);
  atomic_init(&a->status, ARRAY_LAZY);
  a->dtype = (uint8_t)dtype;
  a->ndim = (uint8_t)ndim;
  atomic_init(&a->flags, 0);
  a->output = 0;
  a->handles = 0;
  a->mark = 0;
  a->id = node_new_ids(1);
  a->node = NULL;
  a->buffer = NULL;
  a->offset = 0;
  a->stream = NULL;
  a->ticket = 0;
  int64_t size = 1;
  for (int i = ndim; i-- > 0;) {
    a->shape[i] = shape[i];
    a->strides[i] = size;
    size *= shape[i];
  }
  a->size = size;
  return a;
}

/* Built, and nobody ever asked for it: a dead branch. */
PROBE_REPORT void array_report_dropped(const lz_array* a) {
  if (a->node->n_outputs == 1 &&
      !(a->flags & (ARRAY_ABSORBED | ARRAY_TRACER)) &&
      array_status(a) == ARRAY_LAZY)
    PROBE(rewrite, .what = LAZULI_REWRITE_DROPPED, .node = a->id);
}

/* Frees the array alone; its node, if any, is returned for the caller to let
 * go of. */
lz_node* array_destroy(lz_array* a) {
  lz_node* node = a->node;
  if (node && PROBE_ON()) array_report_dropped(a);
  if (node) node_forget_output(node, a);
  buffer_unref(a->buffer);
  if (a->shape != a->inline_shape) free(a->strides);
  slab_put(SLAB_ARRAY, a, sizeof *a);
  return node;
}

void array_unref(lz_array* a) {
  if (!a) return;
  if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_release) != 1) return;
  atomic_thread_fence(memory_order_acquire);
  lz_node* node = array_destroy(a);
  if (node) node_unref(node);
}

void* array_data(const lz_array* a) {
  return a->buffer ? (char*)a->buffer->data + a->offset : NULL;
}

lz_view array_view(const lz_array* a) {
  return (lz_view){
      array_data(a), (lz_dtype)a->dtype, a->ndim, a->shape, a->strides};
}

/* Some permutation of axes: each stride is the product of the extents with
 * smaller strides. `repeats`: axes of stride 0 do not count. */
static bool array_dense(const lz_array* a, bool repeats) {
  int64_t covered = 1;
  int left = 0;
  for (int i = 0; i < a->ndim; i++)
    left += a->shape[i] != 1 && !(repeats && a->strides[i] == 0);
  for (bool found = true; found && left; left--) {
    found = false;
    for (int i = 0; i < a->ndim && !found; i++)
      if (a->shape[i] != 1 && a->strides[i] == covered) {
        covered *= a->shape[i];
        found = true;
      }
    if (!found) break;
  }
  return left == 0;
}

int64_t array_stored(const lz_array* a) {
  return view_stored(a->ndim, a->shape, a->strides);
}

bool array_same_layout(const lz_array* a, const lz_array* b) {
  for (int i = 0; i < a->ndim; i++)
    if (a->shape[i] != 1 && a->strides[i] != b->strides[i]) return false;
  return true;
}

bool array_without_holes(const lz_array* a) {
  return (a->flags & ARRAY_CONTIGUOUS) || a->size == 0 || array_dense(a, true);
}

/* So many bytes more MLX does not mind. */
#define ARRAY_MINDED 16384

bool array_wastes(const lz_array* a) {
  size_t bytes = array_nbytes(a);
  return a->buffer && a->buffer->size > bytes + ARRAY_MINDED &&
         !buffer_suits(a->buffer, bytes);
}

static uint8_t array_contiguity(const lz_array* a) {
  enum { ANY = ARRAY_ROW_CONTIGUOUS | ARRAY_COL_CONTIGUOUS | ARRAY_CONTIGUOUS };
  if (a->size == 0) return ANY;
  bool row = true, col = true;
  int64_t expected = 1;
  for (int i = a->ndim; i-- > 0;) {
    if (a->shape[i] == 1) continue;
    if (a->strides[i] != expected) row = false;
    expected *= a->shape[i];
  }
  expected = 1;
  for (int i = 0; i < a->ndim; i++) {
    if (a->shape[i] == 1) continue;
    if (a->strides[i] != expected) col = false;
    expected *= a->shape[i];
  }
  uint8_t flags = row ? ARRAY_ROW_CONTIGUOUS : 0;
  if (col) flags |= ARRAY_COL_CONTIGUOUS;
  if (row || col || array_dense(a, false)) flags |= ARRAY_CONTIGUOUS;
  return flags;
}

PROBE_REPORT void array_report_bind(const lz_array* a, const lz_array* base) {
  (void)a;
  (void)base;
  PROBE(
      bind,
      .array = a->id,
      .buffer = a->buffer ? a->buffer->id : 0,
      .offset = (uint64_t)a->offset,
      .base = base ? base->id : 0);
}

void array_bind(
    lz_array* a,
    lz_buffer* buffer,
    int64_t offset,
    const int64_t* strides,
    const lz_array* base) {
  a->buffer = buffer;
  a->offset = offset;
  enum {
    KINDS = ARRAY_ROW_CONTIGUOUS | ARRAY_COL_CONTIGUOUS | ARRAY_CONTIGUOUS
  };
  a->flags &= (uint8_t)~KINDS;
  if (strides) {
    for (int i = 0; i < a->ndim; i++) a->strides[i] = strides[i];
    a->flags |= array_contiguity(a);
  } else {
    view_row_strides(a->ndim, a->shape, a->strides);
    int wide = 0;
    for (int i = 0; i < a->ndim; i++) wide += a->shape[i] > 1;
    a->flags |= ARRAY_ROW_CONTIGUOUS | ARRAY_CONTIGUOUS |
                (wide <= 1 || a->size == 0 ? ARRAY_COL_CONTIGUOUS : 0);
  }
  if (PROBE_ON()) array_report_bind(a, base);
}

lz_array* array_new_buffer(
    lz_dtype dtype, int ndim, const int32_t* shape, lz_buffer* buffer) {
  lz_array* a = array_new(dtype, ndim, shape);
  if (!a) {
    buffer_unref(buffer);
    return NULL;
  }
  array_bind(a, buffer, 0, NULL, NULL);
  atomic_store_explicit(&a->status, ARRAY_READY, memory_order_release);
  return a;
}

lz_array* array_new_data(
    lz_dtype dtype, int ndim, const int32_t* shape, const void* data) {
  size_t bytes = dtype_size(dtype);
  for (int i = 0; i < ndim; i++) bytes *= (size_t)shape[i];
  lz_buffer* b = buffer_new(bytes, 0);
  if (!b) return NULL;
  if (bytes) memcpy(b->data, data, bytes);
  return array_new_buffer(dtype, ndim, shape, b);
}

lz_array* array_new_scalar(lz_dtype dtype, double value) {
  char bytes[8];
  dtype_store(dtype, bytes, value);
  return array_new_data(dtype, 0, NULL, bytes);
}

bool array_same_shape(const lz_array* a, const lz_array* b) {
  return a->ndim == b->ndim &&
         memcmp(a->shape, b->shape, sizeof(int32_t) * a->ndim) == 0;
}

double array_scalar(const lz_array* a) {
  return dtype_load((lz_dtype)a->dtype, array_data(a));
}
