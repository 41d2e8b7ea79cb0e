/* Reductions: over all axes, over some, over one. */
#include "api/api.h"
#include "ops/reduce.h"

/* A list of axes that the program promised: NULL only when it is empty. */
static bool axes_given(const int* axes, size_t n) {
  return n == 0 || api_pointer(axes, "axes") == 0;
}

#define REDUCE(name)                                                           \
  int mlx_##name##_axes(                                                       \
      mlx_array* res,                                                          \
      const mlx_array a,                                                       \
      const int* axes,                                                         \
      size_t axes_num,                                                         \
      bool keepdims,                                                           \
      const mlx_stream s) {                                                    \
    API_OP(#name);                                                             \
    return api_result(                                                         \
        res,                                                                   \
        axes_given(axes, axes_num) ? op_##name(                                \
                                         api_array(a, "a"),                    \
                                         AXES(axes, axes_num),                 \
                                         keepdims,                             \
                                         api_stream(s))                        \
                                   : NULL);                                    \
  }                                                                            \
  int mlx_##name##_axis(                                                       \
      mlx_array* res,                                                          \
      const mlx_array a,                                                       \
      int axis,                                                                \
      bool keepdims,                                                           \
      const mlx_stream s) {                                                    \
    API_OP(#name);                                                             \
    return api_result(                                                         \
        res,                                                                   \
        op_##name(api_array(a, "a"), AXIS(axis), keepdims, api_stream(s)));    \
  }                                                                            \
  int mlx_##name(                                                              \
      mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s) {  \
    API_OP(#name);                                                             \
    return api_result(                                                         \
        res, op_##name(api_array(a, "a"), AXES_ALL, keepdims, api_stream(s))); \
  }
#include "api/ops_reduce.def"
#undef REDUCE

#define SPREAD(name)                                                        \
  int mlx_##name##_axes(                                                    \
      mlx_array* res,                                                       \
      const mlx_array a,                                                    \
      const int* axes,                                                      \
      size_t axes_num,                                                      \
      bool keepdims,                                                        \
      int ddof,                                                             \
      const mlx_stream s) {                                                 \
    API_OP(#name);                                                          \
    return api_result(                                                      \
        res,                                                                \
        axes_given(axes, axes_num) ? op_##name(                             \
                                         api_array(a, "a"),                 \
                                         AXES(axes, axes_num),              \
                                         keepdims,                          \
                                         ddof,                              \
                                         api_stream(s))                     \
                                   : NULL);                                 \
  }                                                                         \
  int mlx_##name##_axis(                                                    \
      mlx_array* res,                                                       \
      const mlx_array a,                                                    \
      int axis,                                                             \
      bool keepdims,                                                        \
      int ddof,                                                             \
      const mlx_stream s) {                                                 \
    API_OP(#name);                                                          \
    return api_result(                                                      \
        res,                                                                \
        op_##name(                                                          \
            api_array(a, "a"), AXIS(axis), keepdims, ddof, api_stream(s))); \
  }                                                                         \
  int mlx_##name(                                                           \
      mlx_array* res,                                                       \
      const mlx_array a,                                                    \
      bool keepdims,                                                        \
      int ddof,                                                             \
      const mlx_stream s) {                                                 \
    API_OP(#name);                                                          \
    return api_result(                                                      \
        res,                                                                \
        op_##name(                                                          \
            api_array(a, "a"), AXES_ALL, keepdims, ddof, api_stream(s)));   \
  }
SPREAD(std)
SPREAD(var)
#undef SPREAD

#define ARG(name, greatest)                                                   \
  int mlx_##name##_axis(                                                      \
      mlx_array* res,                                                         \
      const mlx_array a,                                                      \
      int axis,                                                               \
      bool keepdims,                                                          \
      const mlx_stream s) {                                                   \
    API_OP(#name);                                                            \
    return api_result(                                                        \
        res,                                                                  \
        op_argreduce(                                                         \
            greatest, api_array(a, "a"), &axis, keepdims, api_stream(s)));    \
  }                                                                           \
  int mlx_##name(                                                             \
      mlx_array* res, const mlx_array a, bool keepdims, const mlx_stream s) { \
    API_OP(#name);                                                            \
    return api_result(                                                        \
        res,                                                                  \
        op_argreduce(                                                         \
            greatest, api_array(a, "a"), NULL, keepdims, api_stream(s)));     \
  }
ARG(argmax, true)
ARG(argmin, false)
#undef ARG

int mlx_softmax_axes(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool precise,
    const mlx_stream s) {
  API_OP("softmax");
  return api_result(
      res,
      axes_given(axes, axes_num)
          ? op_softmax(
                api_array(a, "a"), AXES(axes, axes_num), precise, api_stream(s))
          : NULL);
}

int mlx_softmax_axis(
    mlx_array* res,
    const mlx_array a,
    int axis,
    bool precise,
    const mlx_stream s) {
  API_OP("softmax");
  return api_result(
      res, op_softmax(api_array(a, "a"), AXIS(axis), precise, api_stream(s)));
}

int mlx_softmax(
    mlx_array* res, const mlx_array a, bool precise, const mlx_stream s) {
  API_OP("softmax");
  return api_result(
      res, op_softmax(api_array(a, "a"), AXES_ALL, precise, api_stream(s)));
}
