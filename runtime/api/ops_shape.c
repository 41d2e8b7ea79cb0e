/* Operations on shapes, joining, and arrays from nothing. */
#include "api/api.h"
#include "ops/create.h"
#include "ops/join.h"
#include "ops/shape.h"

static bool given(const void* list, size_t n, const char* argument) {
  return n == 0 || api_pointer(list, argument) == 0;
}

int mlx_reshape(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const mlx_stream s) {
  API_OP("reshape");
  if (!given(shape, shape_num, "shape")) return api_result(res, NULL);
  return api_result(
      res, op_reshape(api_array(a, "a"), shape, (int)shape_num, api_stream(s)));
}

int mlx_flatten(
    mlx_array* res,
    const mlx_array a,
    int start_axis,
    int end_axis,
    const mlx_stream s) {
  API_OP("flatten");
  return api_result(
      res, op_flatten(api_array(a, "a"), start_axis, end_axis, api_stream(s)));
}

int mlx_unflatten(
    mlx_array* res,
    const mlx_array a,
    int axis,
    const int* shape,
    size_t shape_num,
    const mlx_stream s) {
  API_OP("unflatten");
  if (!given(shape, shape_num, "shape")) return api_result(res, NULL);
  return api_result(
      res,
      op_unflatten(
          api_array(a, "a"), axis, shape, (int)shape_num, api_stream(s)));
}

int mlx_broadcast_to(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const mlx_stream s) {
  API_OP("broadcast_to");
  if (!given(shape, shape_num, "shape")) return api_result(res, NULL);
  return api_result(
      res,
      op_broadcast_to(api_array(a, "a"), shape, (int)shape_num, api_stream(s)));
}

int mlx_transpose_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s) {
  API_OP("transpose");
  if (!given(axes, axes_num, "axes")) return api_result(res, NULL);
  return api_result(
      res, op_transpose(api_array(a, "a"), axes, (int)axes_num, api_stream(s)));
}

int mlx_transpose(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("transpose");
  return api_result(res, op_transpose_all(api_array(a, "a"), api_stream(s)));
}

int mlx_swapaxes(
    mlx_array* res,
    const mlx_array a,
    int axis1,
    int axis2,
    const mlx_stream s) {
  API_OP("swapaxes");
  return api_result(
      res, op_swapaxes(api_array(a, "a"), axis1, axis2, api_stream(s)));
}

int mlx_moveaxis(
    mlx_array* res,
    const mlx_array a,
    int source,
    int destination,
    const mlx_stream s) {
  API_OP("moveaxis");
  return api_result(
      res, op_moveaxis(api_array(a, "a"), source, destination, api_stream(s)));
}

int mlx_expand_dims_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s) {
  API_OP("expand_dims");
  if (!given(axes, axes_num, "axes")) return api_result(res, NULL);
  return api_result(
      res,
      op_expand_dims(api_array(a, "a"), axes, (int)axes_num, api_stream(s)));
}

int mlx_expand_dims(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s) {
  API_OP("expand_dims");
  return api_result(
      res, op_expand_dims(api_array(a, "a"), &axis, 1, api_stream(s)));
}

int mlx_squeeze_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const mlx_stream s) {
  API_OP("squeeze");
  if (!given(axes, axes_num, "axes")) return api_result(res, NULL);
  return api_result(
      res, op_squeeze(api_array(a, "a"), axes, (int)axes_num, api_stream(s)));
}

int mlx_squeeze_axis(
    mlx_array* res, const mlx_array a, int axis, const mlx_stream s) {
  API_OP("squeeze");
  return api_result(
      res, op_squeeze(api_array(a, "a"), &axis, 1, api_stream(s)));
}

int mlx_squeeze(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("squeeze");
  return api_result(res, op_squeeze_all(api_array(a, "a"), api_stream(s)));
}

int mlx_slice(
    mlx_array* res,
    const mlx_array a,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    const mlx_stream s) {
  API_OP("slice");
  if (!given(start, start_num, "start") || !given(stop, stop_num, "stop") ||
      !given(strides, strides_num, "strides"))
    return api_result(res, NULL);
  if (start_num != stop_num || start_num != strides_num) {
    error_set(
        "[slice] %zu starts, %zu stops and %zu strides",
        start_num,
        stop_num,
        strides_num);
    return api_result(res, NULL);
  }
  return api_result(
      res,
      op_slice(
          api_array(a, "a"),
          start,
          stop,
          strides,
          (int)start_num,
          api_stream(s)));
}

int mlx_as_strided(
    mlx_array* res,
    const mlx_array a,
    const int* shape,
    size_t shape_num,
    const int64_t* strides,
    size_t strides_num,
    size_t offset,
    const mlx_stream s) {
  API_OP("as_strided");
  if (!given(shape, shape_num, "shape") ||
      !given(strides, strides_num, "strides"))
    return api_result(res, NULL);
  if (shape_num != strides_num) {
    error_set(
        "[as_strided] %zu extents and %zu strides", shape_num, strides_num);
    return api_result(res, NULL);
  }
  return api_result(
      res,
      op_as_strided(
          api_array(a, "a"),
          shape,
          strides,
          (int)shape_num,
          offset,
          api_stream(s)));
}

int mlx_contiguous(
    mlx_array* res,
    const mlx_array a,
    bool allow_col_major,
    const mlx_stream s) {
  API_OP("contiguous");
  return api_result(
      res, op_contiguous(api_array(a, "a"), allow_col_major, api_stream(s)));
}

#define JOIN(name, other)                                                    \
  int mlx_##name##_axis(                                                     \
      mlx_array* res,                                                        \
      const mlx_vector_array arrays,                                         \
      int axis,                                                              \
      const mlx_stream s) {                                                  \
    API_OP(#name);                                                           \
    const lz_list* l = api_list(arrays, "arrays");                           \
    return api_result(                                                       \
        res, l ? op_##name(l->items, l->count, axis, api_stream(s)) : NULL); \
  }                                                                          \
  int mlx_##name(                                                            \
      mlx_array* res, const mlx_vector_array arrays, const mlx_stream s) {   \
    API_OP(#name);                                                           \
    const lz_list* l = api_list(arrays, "arrays");                           \
    return api_result(                                                       \
        res, l ? other(l->items, l->count, api_stream(s)) : NULL);           \
  }
static lz_array* stack_first(lz_array* const* a, size_t n, lz_stream* s) {
  return op_stack(a, n, 0, s);
}
JOIN(concatenate, op_concatenate_rows)
JOIN(stack, stack_first)
#undef JOIN

#define FILL(name)                                                          \
  int mlx_##name(                                                           \
      mlx_array* res,                                                       \
      const int* shape,                                                     \
      size_t shape_num,                                                     \
      mlx_dtype dtype,                                                      \
      const mlx_stream s) {                                                 \
    API_OP(#name);                                                          \
    int d = api_dtype(dtype, "dtype");                                      \
    if (d < 0 || api_shape(shape, shape_num, (lz_dtype)d, "shape"))         \
      return api_result(res, NULL);                                         \
    return api_result(                                                      \
        res, op_##name(shape, (int)shape_num, (lz_dtype)d, api_stream(s))); \
  }
FILL(ones)
FILL(zeros)
#undef FILL

int mlx_full(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    const mlx_array vals,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("full");
  int d = api_dtype(dtype, "dtype");
  if (d < 0 || api_shape(shape, shape_num, (lz_dtype)d, "shape"))
    return api_result(res, NULL);
  return api_result(
      res,
      op_full(
          shape,
          (int)shape_num,
          api_array(vals, "vals"),
          (lz_dtype)d,
          api_stream(s)));
}

int mlx_arange(
    mlx_array* res,
    double start,
    double stop,
    double step,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("arange");
  int d = api_dtype(dtype, "dtype");
  return api_result(
      res,
      d < 0 ? NULL : op_arange(start, stop, step, (lz_dtype)d, api_stream(s)));
}
