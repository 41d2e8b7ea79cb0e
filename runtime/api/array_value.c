/* Values out of arrays: evaluation, items, raw data, text. Each way in is a
 * trigger of its own. */
#include <string.h>

#include "api/api.h"
#include "api/format.h"
#include "api/vector.h"
#include "core/node.h"
#include "eval/eval.h"
#include "stream/stream.h"

/* name in the function, the C type; bool is by itself */
#define VALUES(X)               \
  X(uint8, uint8_t)             \
  X(uint16, uint16_t)           \
  X(uint32, uint32_t)           \
  X(uint64, uint64_t)           \
  X(int8, int8_t)               \
  X(int16, int16_t)             \
  X(int32, int32_t)             \
  X(int64, int64_t)             \
  X(float32, float)             \
  X(float64, double)            \
  X(complex64, mlx_complex64_t) \
  VALUES_FLOAT16(X)             \
  VALUES_BFLOAT16(X)

#ifdef HAS_FLOAT16
#define VALUES_FLOAT16(X) X(float16, float16_t)
#else
#define VALUES_FLOAT16(X)
#endif
#ifdef HAS_BFLOAT16
#define VALUES_BFLOAT16(X) X(bfloat16, bfloat16_t)
#else
#define VALUES_BFLOAT16(X)
#endif

/* ---- items --------------------------------------------------------------- */

/* The bits of the only element, as they are: a type that is narrower gets the
 * low ones, a wider one zeros above. */
static int value_copy(void* to, size_t size, const lz_array* a) {
  size_t have = dtype_size((lz_dtype)a->dtype);
  memcpy(to, array_data(a), have < size ? have : size);
  if (have < size) memset((char*)to + have, 0, size - have);
  return 0;
}

static int value_compute(void* to, size_t size, mlx_array arr, const char* op) {
  API_OP(op);
  lz_array* a = api_array(arr, "arr");
  int failed = !a || api_pointer(to, "res");
  if (!failed && a->size != 1)
    failed = error_fail(
        "[%s] item can only be called on arrays of size 1, not of shape %s",
        op,
        error_shape_of(a));
  failed = failed || eval_array(a, LAZULI_TRIGGER_ITEM);
  return api_status(failed || value_copy(to, size, a));
}

/* One that is there can be had without opening a call. */
static inline int value_item(
    void* to, size_t size, mlx_array arr, const char* op) {
  const lz_array* a = api_optional(arr);
  if (!a || !to || a->size != 1 || !array_is_ready(a))
    return value_compute(to, size, arr, op);
  return value_copy(to, size, a);
}

int mlx_array_item_bool(bool* res, const mlx_array arr) {
  uint8_t bits; /* any byte may stand there, a bool holds 0 and 1 */
  int failed = value_item(res ? &bits : NULL, 1, arr, "array_item_bool");
  if (!failed) *res = bits != 0;
  return failed;
}

#define ITEM(name, type)                                           \
  int mlx_array_item_##name(type* res, const mlx_array arr) {      \
    return value_item(res, sizeof *res, arr, "array_item_" #name); \
  }
VALUES(ITEM)

/* ---- raw data ------------------------------------------------------------ */

static const void* value_data(mlx_array arr, const char* name) {
  API_OP(name);
  lz_array* a = api_array(arr, "arr");
  int failed = !a || eval_array(a, LAZULI_TRIGGER_DATA);
  return api_status(failed) ? NULL : array_data(a);
}

#define DATA(name, type)                                   \
  const type* mlx_array_data_##name(const mlx_array arr) { \
    return value_data(arr, "array_data_" #name);           \
  }
DATA(bool, bool)
VALUES(DATA)

/* ---- text ---------------------------------------------------------------- */

int mlx_array_tostring(mlx_string* str, const mlx_array arr) {
  API_OP("array_tostring");
  lz_array* a = api_array(arr, "arr");
  int failed =
      !a || api_pointer(str, "str") || eval_array(a, LAZULI_TRIGGER_PRINT);
  char* text = failed ? NULL : format_array(a);
  return api_status(!text || api_string_take(str, text));
}

/* ---- evaluation ---------------------------------------------------------- */

int mlx_array_eval(mlx_array arr) {
  API_OP("array_eval");
  lz_array* a = api_array(arr, "arr");
  return api_status(!a || eval_array(a, LAZULI_TRIGGER_EVAL));
}

int mlx_eval(const mlx_vector_array outputs) {
  API_OP("eval");
  const lz_list* v = api_list(outputs, "outputs");
  return api_status(
      !v || eval_arrays(v->items, v->count, LAZULI_TRIGGER_EVAL, false));
}

int mlx_async_eval(const mlx_vector_array outputs) {
  API_OP("async_eval");
  const lz_list* v = api_list(outputs, "outputs");
  return api_status(
      !v || eval_arrays(v->items, v->count, LAZULI_TRIGGER_ASYNC_EVAL, true));
}

/* What a fused kernel took in and did not write was computed with it, as MLX
 * would have: to read it starts nothing anew but its own elements. */
static bool value_is_available(lz_array* a) {
  if (array_is_ready(a) || !(a->flags & ARRAY_ABSORBED))
    return array_is_ready(a);
  eval_graph_lock();
  const lz_stream* s = a->node ? a->node->stream : NULL;
  bool done =
      s ? stream_is_done(s, atomic_load(&s->issued)) : array_is_ready(a);
  eval_graph_unlock();
  return done;
}

int _mlx_array_is_available(bool* res, const mlx_array arr) {
  API_OP("array_is_available");
  lz_array* a = api_array(arr, "arr");
  int failed = !a || api_pointer(res, "res");
  if (!failed) *res = value_is_available(a);
  return api_status(failed);
}

/* An array that nothing is under way for is evaluated: afterwards it is
 * available, whatever it was. */
int _mlx_array_wait(const mlx_array arr) {
  API_OP("array_wait");
  lz_array* a = api_array(arr, "arr");
  return api_status(!a || eval_array(a, LAZULI_TRIGGER_EVAL));
}
