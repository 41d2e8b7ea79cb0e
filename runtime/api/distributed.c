/* Collectives over the group of one: what every member has is what this one
 * has, and there is nobody to send to. */
#include "api/api.h"

#define COLLECTIVE(name, stream)                           \
  int mlx_distributed_##name(                              \
      mlx_array* res,                                      \
      const mlx_array x,                                   \
      const mlx_distributed_group group,                   \
      const mlx_stream stream) {                           \
    (void)group;                                           \
    API_OP("distributed_" #name);                          \
    lz_array* a = api_array(x, "x");                       \
    return api_result(res, api_stream(stream) ? a : NULL); \
  }
COLLECTIVE(all_gather, S)
COLLECTIVE(all_max, s)
COLLECTIVE(all_min, s)
COLLECTIVE(all_sum, s)
COLLECTIVE(sum_scatter, s)

int mlx_distributed_recv(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    int src,
    const mlx_distributed_group group,
    const mlx_stream s) {
  (void)shape, (void)shape_num, (void)dtype, (void)group;
  API_OP("distributed_recv");
  if (api_stream(s))
    error_set("[distributed_recv] from %d: the group has one member", src);
  return api_result(res, NULL);
}

int mlx_distributed_recv_like(
    mlx_array* res,
    const mlx_array x,
    int src,
    const mlx_distributed_group group,
    const mlx_stream s) {
  (void)group;
  API_OP("distributed_recv_like");
  lz_array* a = api_array(x, "x");
  if (a && api_stream(s))
    error_set("[distributed_recv_like] from %d: the group has one member", src);
  return api_result(res, NULL);
}

int mlx_distributed_send(
    mlx_array* res,
    const mlx_array x,
    int dst,
    const mlx_distributed_group group,
    const mlx_stream s) {
  (void)group;
  API_OP("distributed_send");
  lz_array* a = api_array(x, "x");
  if (a && api_stream(s))
    error_set("[distributed_send] to %d: the group has one member", dst);
  return api_result(res, NULL);
}
