/* The edge: between the interface's handles and the library's objects.
 *
 * Every interface function has the same shape:
 *
 *     int mlx_thing(mlx_array *res, const mlx_array a, const mlx_stream s) {
 *       API_OP("thing");
 *       lz_array *x = api_array(a, "a");
 *       return api_result(res, op_thing(x, api_stream(s)));
 *     }
 *
 * api_array() and api_stream() report a NULL ctx by name and return NULL, which
 * graph-level operations pass through as NULL; api_result() hands the value
 * over or reports the thread's error to the program's handler, once, and
 * returns 1. On failure outputs are untouched.
 *
 * Handles: `ctx` points to a lz_handle that owns one reference. An output
 * handle with NULL ctx is allocated; another is overwritten and keeps its ctx.
 * An output may alias an input.
 */
#ifndef API_API_H
#define API_API_H

#include "core/array.h"
#include "core/error.h"
#include "core/list.h"
#include "core/scope.h"
#include "mlx/c/mlx.h"
#include "stream/stream.h"

typedef struct lz_handle {
  lz_array* array;
} lz_handle;

/* One call of the interface: opens a scope for temporaries. */
typedef struct api_call {
  const char* name;
  const char* file;
  int line;
  size_t scope;
  struct api_call* outer;
} api_call;

#define API_OP(name)                                        \
  api_call api_call_ = {name, __FILE__, __LINE__, 0, NULL}; \
  api_begin(&api_call_)

/* The innermost call of this thread, for messages of api_array() and others. */
void api_begin(api_call* call);

/* Unwrap. NULL with a message "[op] argument a: the array is empty" where ctx
 * is NULL; the first message of a call stays. Borrowed. */
lz_array* api_array(mlx_array a, const char* argument);
/* The message of these: "[op] argument <argument>: <what>", unless the call
 * has one already. Always NULL. */
void* api_refuse(const char* argument, const char* what);
/* For arguments that may be null: NULL without a message. */
lz_array* api_optional(mlx_array a);
lz_stream* api_stream(mlx_stream s);
const lz_list* api_list(mlx_vector_array v, const char* argument);
/* Refuses dtypes out of range: returns -1 with a message. */
int api_dtype(mlx_dtype dtype, const char* argument);
/* Refuses NULL where a pointer must be: returns non-zero with a message. */
int api_pointer(const void* p, const char* argument);
/* Refuses what no array can have: NULL, negative extents, more axes or bytes
 * than fit. Non-zero with a message. */
int api_shape(const int* shape, size_t n, lz_dtype dtype, const char* argument);

/* End of a call. Each closes the scope and returns 0, or reports and returns 1.
 * api_result takes a scope-owned array, or NULL for failure. */
int api_end(const api_call* call, mlx_array* res, lz_array* value);
int api_end_list(
    const api_call* call,
    mlx_vector_array* res,
    lz_array* const* values,
    size_t n);
/* Two outputs: both are written, or neither. values NULL: failure. */
int api_end_pair(
    const api_call* call,
    mlx_array* first,
    mlx_array* second,
    lz_array* const* values);
/* The same from a list, which is emptied whatever happens. */
int api_end_take(
    const api_call* call, mlx_vector_array* res, int failed, lz_list* values);
/* For calls without array results: failed != 0 reports. */
int api_end_status(const api_call* call, int failed);
#define api_result(res, value) api_end(&api_call_, res, value)
#define api_results(res, values, n) api_end_list(&api_call_, res, values, n)
#define api_take(res, failed, values) \
  api_end_take(&api_call_, res, failed, values)
#define api_pair(first, second, values) \
  api_end_pair(&api_call_, first, second, values)
#define api_status(failed) api_end_status(&api_call_, failed)

/* Handles. Takes over the reference, also on failure: NULL ctx and a message
 * where memory fails or a is NULL. */
mlx_array api_handle_new(lz_array* a);
/* Overwrites or allocates; takes over the reference. Non-zero: no memory. */
int api_handle_set(mlx_array* res, lz_array* a);

/* Reports the thread's error to the handler with " at file:line". Returns 1. */
int api_report(const char* file, int line);

/* Sets a message and reports it at once: for what has no api_call. Returns 1.
 */
int api_raise(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
#define API_RAISE(...) api_raise(__FILE__, __LINE__, __VA_ARGS__)
#define API_REPORT() api_report(__FILE__, __LINE__)

#endif
