/* How operations at work get their memory: see core/op.h. */
#include <stdlib.h>

#include "core/error.h"
#include "core/op.h"
#include "memory/alloc.h"
#include "probe/probe.h"
#include "stream/stream.h"

static int exec_new(lz_exec* x, int i, const int64_t* strides) {
  lz_array* a = x->out[i];
  int64_t n = strides ? view_stored(a->ndim, a->shape, strides) : a->size;
  size_t bytes = (size_t)n * dtype_size((lz_dtype)a->dtype);
  lz_buffer* b = x->stream->device == DEVICE_GPU
                     ? buffer_new_device(bytes, x->kernel)
                     : buffer_new(bytes, x->kernel);
  if (!b) return 1;
  array_bind(a, b, 0, strides, NULL);
  return 0;
}

int exec_alloc(lz_exec* x, int i) {
  return exec_new(x, i, NULL);
}

static enum lazuli_donation exec_may_donate(
    const lz_exec* x,
    const lz_array* out,
    const lz_array* in,
    int from,
    int layout) {
  const lz_buffer* b = in->buffer;
  if (b->source == LAZULI_MEMORY_EXTERNAL) return LAZULI_DONATION_EXTERNAL;
  if (!x->may_donate[from] ||
      atomic_load_explicit(&in->refs, memory_order_acquire) > 1)
    return LAZULI_DONATION_HELD;
  if (atomic_load_explicit(&b->refs, memory_order_acquire) > 1)
    return LAZULI_DONATION_SHARED_BUFFER;
  if (!(in->flags & layout) || in->offset) return LAZULI_DONATION_LAYOUT;
  if (b->device != (x->stream->device == DEVICE_GPU))
    return LAZULI_DONATION_LAYOUT;
  if (b->size < array_nbytes(out) || b->size > 2 * array_nbytes(out) + 64)
    return LAZULI_DONATION_SIZE;
  return LAZULI_DONATION_MADE;
}

/* In the input's layout, which is one of `layout`, or with strides NULL. */
static int exec_take(
    lz_exec* x, int i, int from, int layout, const int64_t* strides) {
  lz_array *out = x->out[i], *in = x->in[from];
  if (!in->buffer || from >= (int)sizeof x->may_donate)
    return exec_new(x, i, strides);
  enum lazuli_donation result = exec_may_donate(x, out, in, from, layout);
  PROBE(
      donation,
      .input = in->id,
      .output = out->id,
      .buffer = in->buffer->id,
      .size = in->buffer->size,
      .result = (uint8_t)result);
  if (result != LAZULI_DONATION_MADE) return exec_new(x, i, strides);
  buffer_changes(in->buffer);
  array_bind(out, buffer_ref(in->buffer), 0, strides, NULL);
  x->may_donate[from] = 0;
  return 0;
}

int exec_alloc_or_donate(lz_exec* x, int i, int from) {
  return exec_take(x, i, from, ARRAY_ROW_CONTIGUOUS, NULL);
}

int exec_alloc_or_donate_as(lz_exec* x, int i, int from) {
  const lz_array *in = x->in[from], *out = x->out[i];
  bool dense = (in->flags & ARRAY_CONTIGUOUS) && in->size;
  const int64_t* strides = dense ? in->strides : NULL;
  if (dtype_size((lz_dtype)in->dtype) != dtype_size((lz_dtype)out->dtype))
    return exec_new(x, i, strides);
  return exec_take(
      x, i, from, dense ? ARRAY_CONTIGUOUS : ARRAY_ROW_CONTIGUOUS, strides);
}

int exec_alloc_fused(lz_exec* x, const lz_array* like) {
  const int64_t* strides = like ? like->strides : NULL;
  int layout = like ? ARRAY_CONTIGUOUS : ARRAY_ROW_CONTIGUOUS;
  for (int i = 0; i < x->n_out; i++) {
    const lz_array* out = x->out[i];
    int from = -1;
    for (int k = 0; k < x->n_in && from < 0; k++) {
      const lz_array* in = x->in[k];
      if (k < (int)sizeof x->may_donate && x->may_donate[k] &&
          in->size == out->size && in->ndim == out->ndim &&
          dtype_size((lz_dtype)in->dtype) == dtype_size((lz_dtype)out->dtype))
        from = k;
    }
    if (from < 0 ? exec_new(x, i, strides)
                 : exec_take(x, i, from, layout, strides))
      return 1;
  }
  return 0;
}

void exec_share(
    lz_exec* x, int i, int from, int64_t offset, const int64_t* strides) {
  const lz_array* in = x->in[from];
  array_bind(
      x->out[i],
      in->buffer ? buffer_ref(in->buffer) : NULL,
      in->offset + offset,
      strides,
      in);
}

void* exec_scratch(lz_exec* x, size_t bytes) {
  lz_buffer* b = buffer_new(bytes, x->kernel);
  if (!b) return NULL;
  if (x->n_scratch == EXEC_SCRATCH) {
    buffer_unref(b);
    return error_set(
        "[%s] more than %d scratch buffers", x->op->name, EXEC_SCRATCH);
  }
  x->scratch[x->n_scratch++] = b;
  return b->data;
}
