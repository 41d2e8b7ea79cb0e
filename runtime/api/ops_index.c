/* Reading and writing at computed positions. */
#include "ops/index.h"

#include "api/api.h"
#include "ops/update.h"

/* Ints that may be NULL only when there are none. */
static bool ints(const int* p, size_t n, const char* argument) {
  return n == 0 || api_pointer(p, argument) == 0;
}

int mlx_take_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const mlx_stream s) {
  API_OP("take_axis");
  lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices");
  return api_result(res, op_take(x, i, &axis, api_stream(s)));
}

int mlx_take(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    const mlx_stream s) {
  API_OP("take");
  lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices");
  return api_result(res, op_take(x, i, NULL, api_stream(s)));
}

int mlx_take_along_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const mlx_stream s) {
  API_OP("take_along_axis");
  lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices");
  return api_result(res, op_take_along_axis(x, i, axis, api_stream(s)));
}

int mlx_gather(
    mlx_array* res,
    const mlx_array a,
    const mlx_vector_array indices,
    const int* axes,
    size_t axes_num,
    const int* slice_sizes,
    size_t slice_sizes_num,
    const mlx_stream s) {
  API_OP("gather");
  lz_array* x = api_array(a, "a");
  const lz_list* v = api_list(indices, "indices");
  bool fine = ints(axes, axes_num, "axes") &&
              ints(slice_sizes, slice_sizes_num, "slice_sizes");
  return api_result(
      res,
      v && fine ? op_gather(
                      x,
                      v->items,
                      (int)v->count,
                      axes,
                      (int)axes_num,
                      slice_sizes,
                      (int)slice_sizes_num,
                      api_stream(s))
                : NULL);
}

int mlx_gather_single(
    mlx_array* res,
    const mlx_array a,
    const mlx_array indices,
    int axis,
    const int* slice_sizes,
    size_t slice_sizes_num,
    const mlx_stream s) {
  API_OP("gather_single");
  lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices");
  bool fine = ints(slice_sizes, slice_sizes_num, "slice_sizes");
  return api_result(
      res,
      i && fine ? op_gather(
                      x,
                      &i,
                      1,
                      &axis,
                      1,
                      slice_sizes,
                      (int)slice_sizes_num,
                      api_stream(s))
                : NULL);
}

int mlx_slice_dynamic(
    mlx_array* res,
    const mlx_array a,
    const mlx_array start,
    const int* axes,
    size_t axes_num,
    const int* slice_size,
    size_t slice_size_num,
    const mlx_stream s) {
  API_OP("slice_dynamic");
  lz_array *x = api_array(a, "a"), *from = api_array(start, "start");
  bool fine = ints(axes, axes_num, "axes") &&
              ints(slice_size, slice_size_num, "slice_size");
  return api_result(
      res,
      fine ? op_slice_dynamic(
                 x,
                 from,
                 axes,
                 (int)axes_num,
                 slice_size,
                 (int)slice_size_num,
                 api_stream(s))
           : NULL);
}

/* ---- scatter ------------------------------------------------------------- */

#define SCATTER(name, how)                                                 \
  int mlx_##name(                                                          \
      mlx_array* res,                                                      \
      const mlx_array a,                                                   \
      const mlx_vector_array indices,                                      \
      const mlx_array updates,                                             \
      const int* axes,                                                     \
      size_t axes_num,                                                     \
      const mlx_stream s) {                                                \
    API_OP(#name);                                                         \
    lz_array* x = api_array(a, "a");                                       \
    const lz_list* v = api_list(indices, "indices");                       \
    lz_array* u = api_array(updates, "updates");                           \
    return api_result(                                                     \
        res,                                                               \
        v && ints(axes, axes_num, "axes") ? op_scatter(                    \
                                                how,                       \
                                                x,                         \
                                                v->items,                  \
                                                (int)v->count,             \
                                                u,                         \
                                                axes,                      \
                                                (int)axes_num,             \
                                                api_stream(s))             \
                                          : NULL);                         \
  }                                                                        \
  int mlx_##name##_single(                                                 \
      mlx_array* res,                                                      \
      const mlx_array a,                                                   \
      const mlx_array indices,                                             \
      const mlx_array updates,                                             \
      int axis,                                                            \
      const mlx_stream s) {                                                \
    API_OP(#name "_single");                                               \
    lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices");   \
    lz_array* u = api_array(updates, "updates");                           \
    return api_result(                                                     \
        res,                                                               \
        i ? op_scatter(how, x, &i, 1, u, &axis, 1, api_stream(s)) : NULL); \
  }
SCATTER(scatter, SCATTER_NONE)
SCATTER(scatter_add, SCATTER_SUM)
SCATTER(scatter_prod, SCATTER_PROD)
SCATTER(scatter_max, SCATTER_MAX)
SCATTER(scatter_min, SCATTER_MIN)

#define SCATTER_AXIS(name, how)                                          \
  int mlx_##name(                                                        \
      mlx_array* res,                                                    \
      const mlx_array a,                                                 \
      const mlx_array indices,                                           \
      const mlx_array values,                                            \
      int axis,                                                          \
      const mlx_stream s) {                                              \
    API_OP(#name);                                                       \
    lz_array *x = api_array(a, "a"), *i = api_array(indices, "indices"); \
    lz_array* v = api_array(values, "values");                           \
    return api_result(                                                   \
        res, op_scatter_axis(how, x, i, v, axis, api_stream(s)));        \
  }
SCATTER_AXIS(put_along_axis, SCATTER_NONE)
SCATTER_AXIS(scatter_add_axis, SCATTER_SUM)

int mlx_masked_scatter(
    mlx_array* res,
    const mlx_array a,
    const mlx_array mask,
    const mlx_array src,
    const mlx_stream s) {
  API_OP("masked_scatter");
  lz_array *x = api_array(a, "a"), *m = api_array(mask, "mask");
  lz_array* v = api_array(src, "src");
  return api_result(res, op_masked_scatter(x, m, v, api_stream(s)));
}

/* ---- slices -------------------------------------------------------------- */

static lz_array* slice_update(
    scatter_reduce how,
    mlx_array src,
    mlx_array update,
    const int* start,
    size_t start_num,
    const int* stop,
    size_t stop_num,
    const int* strides,
    size_t strides_num,
    mlx_stream s) {
  lz_array *x = api_array(src, "src"), *u = api_array(update, "update");
  lz_stream* stream = api_stream(s);
  if (!ints(start, start_num, "start") || !ints(stop, stop_num, "stop") ||
      !ints(strides, strides_num, "strides") || !x || !u || !stream)
    return NULL;
  if (start_num != stop_num || start_num != strides_num)
    return error_set(
        "[slice_update] %zu starts, %zu stops and %zu strides",
        start_num,
        stop_num,
        strides_num);
  return op_slice_update(
      how, x, u, start, stop, strides, (int)start_num, stream);
}

#define SLICE_UPDATE(name, how) \
  int mlx_##name(               \
      mlx_array* res,           \
      const mlx_array src,      \
      const mlx_array update,   \
      const int* start,         \
      size_t start_num,         \
      const int* stop,          \
      size_t stop_num,          \
      const int* strides,       \
      size_t strides_num,       \
      const mlx_stream s) {     \
    API_OP(#name);              \
    return api_result(          \
        res,                    \
        slice_update(           \
            how,                \
            src,                \
            update,             \
            start,              \
            start_num,          \
            stop,               \
            stop_num,           \
            strides,            \
            strides_num,        \
            s));                \
  }
SLICE_UPDATE(slice_update, SCATTER_NONE)
SLICE_UPDATE(slice_update_add, SCATTER_SUM)
SLICE_UPDATE(slice_update_prod, SCATTER_PROD)
SLICE_UPDATE(slice_update_max, SCATTER_MAX)
SLICE_UPDATE(slice_update_min, SCATTER_MIN)

int mlx_slice_update_dynamic(
    mlx_array* res,
    const mlx_array src,
    const mlx_array update,
    const mlx_array start,
    const int* axes,
    size_t axes_num,
    const mlx_stream s) {
  API_OP("slice_update_dynamic");
  lz_array *x = api_array(src, "src"), *u = api_array(update, "update");
  lz_array* from = api_array(start, "start");
  return api_result(
      res,
      ints(axes, axes_num, "axes")
          ? op_slice_update_dynamic(
                x, u, from, axes, (int)axes_num, api_stream(s))
          : NULL);
}

int mlx_pad(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    const int* low_pad_size,
    size_t low_pad_size_num,
    const int* high_pad_size,
    size_t high_pad_size_num,
    const mlx_array pad_value,
    const char* mode,
    const mlx_stream s) {
  API_OP("pad");
  lz_array *x = api_array(a, "a"), *v = api_array(pad_value, "pad_value");
  lz_stream* stream = api_stream(s);
  bool fine = ints(axes, axes_num, "axes") &&
              ints(low_pad_size, low_pad_size_num, "low_pad_size") &&
              ints(high_pad_size, high_pad_size_num, "high_pad_size") &&
              api_pointer(mode, "mode") == 0;
  if (fine && (axes_num != low_pad_size_num || axes_num != high_pad_size_num)) {
    error_set(
        "[pad] %zu low and %zu high sizes for %zu axes",
        low_pad_size_num,
        high_pad_size_num,
        axes_num);
    fine = false;
  }
  return api_result(
      res,
      fine ? op_pad(
                 x,
                 axes,
                 low_pad_size,
                 high_pad_size,
                 (int)axes_num,
                 v,
                 mode,
                 stream)
           : NULL);
}

int mlx_pad_symmetric(
    mlx_array* res,
    const mlx_array a,
    int pad_width,
    const mlx_array pad_value,
    const char* mode,
    const mlx_stream s) {
  API_OP("pad_symmetric");
  lz_array *x = api_array(a, "a"), *v = api_array(pad_value, "pad_value");
  lz_stream* stream = api_stream(s);
  int axes[LZ_MAX_DIMS], width[LZ_MAX_DIMS];
  for (int i = 0; i < LZ_MAX_DIMS; i++) {
    axes[i] = i;
    width[i] = pad_width;
  }
  return api_result(
      res,
      x && api_pointer(mode, "mode") == 0
          ? op_pad(x, axes, width, width, x->ndim, v, mode, stream)
          : NULL);
}
