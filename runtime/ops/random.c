#include "ops/random.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/random.h"
#include "ops/arrange.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/rules.h"
#include "ops/shape.h"

static int bits_cpu(lz_exec* x) {
  if (exec_alloc(x, 0)) return 1;
  lz_view keys = array_view(x->in[0]), out = array_view(x->out[0]);
  random_bits(&keys, &out);
  return 0;
}

const lz_op op_random_bits_desc = {
    .name = "RandomBits",
    .cpu = bits_cpu,
    .vjp = zero_vjp,
    .infer = infer_random_bits};

lz_array* op_random_key(uint64_t seed) {
  const int32_t shape[] = {2};
  const uint32_t words[] = {(uint32_t)(seed >> 32), (uint32_t)seed};
  return scope_own(array_new_data(DTYPE_UINT32, 1, shape, words));
}

/* The process's sequence: each draw splits the key and keeps the first half. */
static struct {
  pthread_mutex_t lock;
  lz_array* key;
} sequence = {PTHREAD_MUTEX_INITIALIZER, NULL};

int op_random_seed(uint64_t seed) {
  size_t scope = scope_open();
  lz_array* key = scope_close(scope, op_random_key(seed));
  if (!key) return 1;
  pthread_mutex_lock(&sequence.lock);
  lz_array* old = sequence.key;
  sequence.key = key;
  pthread_mutex_unlock(&sequence.lock);
  array_unref(old);
  return 0;
}

static uint64_t random_first_seed(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

lz_array* op_random_next(lz_array* key, lz_stream* s) {
  if (key || !s) return key;
  if (!sequence.key && op_random_seed(random_first_seed())) return NULL;
  pthread_mutex_lock(&sequence.lock);
  lz_array* halves[2];
  lz_array* next = NULL;
  if (op_random_split(sequence.key, s, halves) == 0) {
    array_unref(sequence.key);
    sequence.key = array_ref(halves[0]);
    next = halves[1];
  }
  pthread_mutex_unlock(&sequence.lock);
  return next;
}

lz_array* op_random_bits(
    const int32_t* shape, int ndim, int width, lz_array* key, lz_stream* s) {
  if (!(key = op_random_next(key, s)) || !s) return NULL;
  lz_dtype dtype = width == 4   ? DTYPE_UINT32
                   : width == 2 ? DTYPE_UINT16
                                : DTYPE_UINT8;
  if (width != 4 && width != 2 && width != 1)
    return error_set("[bits] Bit width must be in {1, 2, 4} but got %d", width);
  if (key->dtype != DTYPE_UINT32)
    return error_set(
        "[bits] Expected key type uint32 but received %s",
        dtype_name((lz_dtype)key->dtype));
  if (key->ndim != 1 || key->shape[0] != 2)
    return error_set(
        "[bits] Expected key shape (2) but received %s", error_shape_of(key));
  for (int i = 0; i < ndim; i++)
    if (shape[i] < 0)
      return error_set(
          "[bits] negative extent in %s", error_shape(ndim, shape));
  int32_t param = width;
  return scope_own(node_make(
      &op_random_bits_desc,
      s,
      &key,
      1,
      &param,
      sizeof param,
      dtype,
      ndim,
      shape));
}

lz_array* op_random_split_num(lz_array* key, int num, lz_stream* s) {
  if (!key) return NULL;
  const int32_t shape[] = {num, 2};
  return op_random_bits(shape, 2, 4, key, s);
}

int op_random_split(lz_array* key, lz_stream* s, lz_array* out[2]) {
  lz_array* both = op_random_split_num(key, 2, s);
  for (int i = 0; i < 2; i++) {
    const int start[] = {i, 0}, stop[] = {i + 1, 2}, step[] = {1, 1};
    const int axis = 0;
    out[i] = op_squeeze(op_slice(both, start, stop, step, 2, s), &axis, 1, s);
  }
  return !(out[0] && out[1]);
}

/* The greatest value of the type below 1. */
static double random_below_one(lz_dtype dtype) {
  if (dtype == DTYPE_FLOAT16) return 1 - 0x1p-11;
  if (dtype == DTYPE_BFLOAT16) return 1 - 0x1p-8;
  return nextafterf(1, 0);
}

lz_array* op_random_uniform(
    lz_array* low,
    lz_array* high,
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* key,
    lz_stream* s) {
  if (!low || !high || !s) return NULL;
  if (!dtype_is_float(dtype))
    return error_set(
        "[uniform] Can only generate uniform numbers with real floating point "
        "type, not %s",
        dtype_name(dtype));
  low = op_astype(low, dtype, s);
  lz_array* range = op_subtract(op_astype(high, dtype, s), low, s);
  if (!range) return NULL;
  bool fits = range->ndim <= ndim;
  for (int i = 0; fits && i < range->ndim; i++)
    fits = range->shape[i] == 1 ||
           range->shape[i] == shape[ndim - range->ndim + i];
  if (!fits)
    return error_set(
        "[uniform] Cannot generate random values of shape %s from broadcasted "
        "shape %s.",
        error_shape(ndim, shape),
        error_shape_of(range));
  lz_array* bits = op_random_bits(shape, ndim, 4, key, s);
  lz_array* unit = op_divide(bits, op_scalar(DTYPE_FLOAT32, 4294967295.0), s);
  unit = op_minimum(unit, op_scalar(DTYPE_FLOAT32, random_below_one(dtype)), s);
  return op_add(op_multiply(range, op_astype(unit, dtype, s), s), low, s);
}

/* Both parts drawn, and, as MLX has it, of half the variance. */
static lz_array* normal_complex(
    const int32_t* shape,
    int ndim,
    lz_array* loc,
    lz_array* scale,
    lz_array* key,
    lz_stream* s) {
  if (ndim >= LZ_MAX_DIMS)
    return error_set("[normal] complex numbers of %d dimensions", ndim);
  int32_t pairs[LZ_MAX_DIMS];
  for (int i = 0; i < ndim; i++) pairs[i] = shape[i];
  pairs[ndim] = 2;
  lz_array* u = op_random_uniform(
      op_scalar(DTYPE_FLOAT32, nextafterf(-1, 0)),
      op_scalar(DTYPE_FLOAT32, 1),
      pairs,
      ndim + 1,
      DTYPE_FLOAT32,
      key,
      s);
  lz_array* out = op_view(op_erfinv(u, s), DTYPE_COMPLEX64, s);
  out = op_squeeze(out, &ndim, 1, s);
  if (scale) out = op_multiply(scale, out, s);
  return loc ? op_add(loc, out, s) : out;
}

lz_array* op_random_normal(
    const int32_t* shape,
    int ndim,
    lz_dtype dtype,
    lz_array* loc,
    lz_array* scale,
    lz_array* key,
    lz_stream* s) {
  if (!s) return NULL;
  if (dtype == DTYPE_COMPLEX64)
    return normal_complex(shape, ndim, loc, scale, key, s);
  if (!dtype_is_float(dtype))
    return error_set(
        "[normal] Can only generate normal numbers with floating point type, "
        "not %s.",
        dtype_name(dtype));
  /* Drawn in float32 whatever the type: what MLX's own bits are. */
  lz_array* u = op_random_uniform(
      op_scalar(DTYPE_FLOAT32, nextafterf(-1, 0)),
      op_scalar(DTYPE_FLOAT32, 1),
      shape,
      ndim,
      DTYPE_FLOAT32,
      key,
      s);
  lz_array* out = op_astype(op_erfinv(u, s), dtype, s);
  lz_array* factor = op_scalar(dtype, sqrt(2.0));
  if (scale) factor = op_multiply(factor, op_astype(scale, dtype, s), s);
  out = op_multiply(factor, out, s);
  if (loc) out = op_add(op_astype(loc, dtype, s), out, s);
  return out;
}
