#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/vector.h"
#include "core/dtype.h"

static _Thread_local api_call* innermost;

void api_begin(api_call* call) {
  call->scope = scope_open();
  call->outer = innermost;
  innermost = call;
  error_clear();
}

/* The first complaint of a call is the cause; later ones follow from it. */
void* api_refuse(const char* argument, const char* what) {
  if (!error_is_set())
    error_set(
        "[%s] argument %s: %s",
        innermost ? innermost->name : "mlx",
        argument,
        what);
  return NULL;
}

lz_array* api_array(mlx_array a, const char* argument) {
  if (__builtin_expect(!a.ctx, 0))
    return api_refuse(argument, "the array is empty");
  return ((lz_handle*)a.ctx)->array;
}

lz_array* api_optional(mlx_array a) {
  return a.ctx ? ((lz_handle*)a.ctx)->array : NULL;
}

lz_stream* api_stream(mlx_stream s) {
  if (__builtin_expect(!s.ctx, 0))
    return api_refuse("s", "the stream is empty");
  return *(lz_stream**)s.ctx;
}

const lz_list* api_list(mlx_vector_array v, const char* argument) {
  if (__builtin_expect(!v.ctx, 0))
    return api_refuse(argument, "the vector is empty (its ctx is NULL)");
  return v.ctx;
}

int api_dtype(mlx_dtype dtype, const char* argument) {
  if ((unsigned)dtype < DTYPE_COUNT) return (int)dtype;
  if (!error_is_set())
    error_set(
        "[%s] argument %s: %d is no dtype",
        innermost ? innermost->name : "mlx",
        argument,
        (int)dtype);
  return -1;
}

int api_pointer(const void* p, const char* argument) {
  if (__builtin_expect(p != NULL, 1)) return 0;
  api_refuse(argument, "the pointer is NULL");
  return 1;
}

int api_shape(
    const int* shape, size_t n, lz_dtype dtype, const char* argument) {
  const char* name = innermost ? innermost->name : "mlx";
  if (error_is_set()) return 1;
  if (n && !shape) return api_pointer(shape, argument);
  if (n > UINT8_MAX)
    return error_fail(
        "[%s] argument %s: %zu axes, more than %d",
        name,
        argument,
        n,
        UINT8_MAX);
  size_t bytes = dtype_size(dtype);
  bool empty = false, large = false;
  for (size_t i = 0; i < n; i++) {
    if (shape[i] < 0)
      return error_fail(
          "[%s] argument %s: the extent of axis %zu is %d",
          name,
          argument,
          i,
          shape[i]);
    empty |= shape[i] == 0;
    large |= !empty && __builtin_mul_overflow(bytes, (size_t)shape[i], &bytes);
  }
  if (!empty && (large || bytes > PTRDIFF_MAX))
    return error_fail(
        "[%s] argument %s: %s has more elements than memory can "
        "hold",
        name,
        argument,
        error_shape((int)n, shape));
  return 0;
}

static int api_close(const api_call* call, int failed) {
  innermost = call->outer;
  if (__builtin_expect(!failed, 1)) return 0;
  if (!error_is_set()) error_set("[%s] failed", call->name);
  api_report(call->file, call->line);
  return 1;
}

int api_end(const api_call* call, mlx_array* res, lz_array* value) {
  if (value && api_pointer(res, "res")) value = NULL;
  lz_array* kept = scope_close(call->scope, value);
  return api_close(call, !kept || api_handle_set(res, kept));
}

int api_end_list(
    const api_call* call,
    mlx_vector_array* res,
    lz_array* const* values,
    size_t n) {
  int failed = values == NULL || api_pointer(res, "res");
  lz_list list = {0};
  for (size_t i = 0; !failed && i < n; i++)
    failed = !values[i] || list_append(&list, values[i]);
  scope_close(call->scope, NULL);
  if (failed)
    list_clear(&list);
  else
    failed = api_vector_set(res, &list);
  return api_close(call, failed);
}

int api_end_pair(
    const api_call* call,
    mlx_array* first,
    mlx_array* second,
    lz_array* const* values) {
  int failed = !values || !values[0] || !values[1] ||
               api_pointer(first, "the first output") ||
               api_pointer(second, "the second output");
  lz_array* kept[2] = {NULL, NULL};
  if (!failed) memcpy(kept, values, sizeof kept);
  scope_close_many(call->scope, kept, 2);
  /* What the second needs is made before the first is written. */
  mlx_array made = {0};
  if (!failed && !second->ctx) {
    failed = api_handle_set(&made, array_ref(kept[1]));
    if (!failed) *second = made;
  }
  if (!failed && api_handle_set(first, array_ref(kept[0]))) {
    failed = 1;
    mlx_array_free(made);
    if (made.ctx) second->ctx = NULL;
  }
  if (!failed && !made.ctx) api_handle_set(second, array_ref(kept[1]));
  array_unref(kept[0]);
  array_unref(kept[1]);
  return api_close(call, failed);
}

int api_end_take(
    const api_call* call, mlx_vector_array* res, int failed, lz_list* values) {
  if (!failed) failed = api_pointer(res, "res");
  scope_close(call->scope, NULL);
  if (!failed) failed = api_vector_set(res, values);
  list_clear(values);
  return api_close(call, failed);
}

int api_end_status(const api_call* call, int failed) {
  scope_close(call->scope, NULL);
  return api_close(call, failed);
}
