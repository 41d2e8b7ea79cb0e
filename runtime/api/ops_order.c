/* Sorting, partitions, medians and cumulative operations. */
#include "ops/order.h"

#include "api/api.h"

#define SORT(name)                                                             \
  int mlx_##name(mlx_array* res, const mlx_array a, const mlx_stream s) {      \
    API_OP(#name);                                                             \
    return api_result(res, op_##name(api_array(a, "a"), NULL, api_stream(s))); \
  }                                                                            \
  int mlx_##name##_axis(                                                       \
      mlx_array* res, const mlx_array a, int axis, const mlx_stream s) {       \
    API_OP(#name "_axis");                                                     \
    return api_result(                                                         \
        res, op_##name(api_array(a, "a"), &axis, api_stream(s)));              \
  }
SORT(sort)
SORT(argsort)

/* With a rank or a count. */
#define PARTITION(name, k)                                            \
  int mlx_##name(                                                     \
      mlx_array* res, const mlx_array a, int k, const mlx_stream s) { \
    API_OP(#name);                                                    \
    return api_result(                                                \
        res, op_##name(api_array(a, "a"), k, NULL, api_stream(s)));   \
  }                                                                   \
  int mlx_##name##_axis(                                              \
      mlx_array* res,                                                 \
      const mlx_array a,                                              \
      int k,                                                          \
      int axis,                                                       \
      const mlx_stream s) {                                           \
    API_OP(#name "_axis");                                            \
    return api_result(                                                \
        res, op_##name(api_array(a, "a"), k, &axis, api_stream(s)));  \
  }
PARTITION(partition, kth)
PARTITION(argpartition, kth)
PARTITION(topk, k)

int mlx_median(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool keepdims,
    const mlx_stream s) {
  API_OP("median");
  lz_array* x = api_array(a, "a");
  bool fine = axes_num == 0 || api_pointer(axes, "axes") == 0;
  return api_result(
      res,
      fine ? op_median(x, axes, (int)axes_num, keepdims, api_stream(s)) : NULL);
}

#define SCAN(name, kind)       \
  int mlx_##name(              \
      mlx_array* res,          \
      const mlx_array a,       \
      int axis,                \
      bool reverse,            \
      bool inclusive,          \
      const mlx_stream s) {    \
    API_OP(#name);             \
    return api_result(         \
        res,                   \
        op_scan(               \
            kind,              \
            api_array(a, "a"), \
            axis,              \
            reverse,           \
            inclusive,         \
            api_stream(s)));   \
  }
SCAN(cumsum, SCAN_SUM)
SCAN(cumprod, SCAN_PROD)
SCAN(cummax, SCAN_MAX)
SCAN(cummin, SCAN_MIN)
SCAN(logcumsumexp, SCAN_LOGADDEXP)
