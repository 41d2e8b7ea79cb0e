/* Random numbers. */
#include "api/api.h"
#include "ops/create.h"
#include "ops/random.h"

int mlx_random_seed(uint64_t seed) {
  API_OP("seed");
  return api_status(op_random_seed(seed));
}

int mlx_random_key(mlx_array* res, uint64_t seed) {
  API_OP("key");
  return api_result(res, op_random_key(seed));
}

int mlx_random_bits(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    int width,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("bits");
  if (api_shape(shape, shape_num, DTYPE_UINT32, "shape"))
    return api_result(res, NULL);
  return api_result(
      res,
      op_random_bits(
          shape, (int)shape_num, width, api_optional(key), api_stream(s)));
}

int mlx_random_split_num(
    mlx_array* res, const mlx_array key, int num, const mlx_stream s) {
  API_OP("split");
  return api_result(
      res, op_random_split_num(api_array(key, "key"), num, api_stream(s)));
}

int mlx_random_split(
    mlx_array* res_0,
    mlx_array* res_1,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("split");
  lz_array* halves[2];
  lz_array* k = api_array(key, "key");
  bool failed = !k || op_random_split(k, api_stream(s), halves);
  return api_pair(res_0, res_1, failed ? NULL : halves);
}

int mlx_random_uniform(
    mlx_array* res,
    const mlx_array low,
    const mlx_array high,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("uniform");
  int d = api_dtype(dtype, "dtype");
  if (d < 0 || api_shape(shape, shape_num, (lz_dtype)d, "shape"))
    return api_result(res, NULL);
  return api_result(
      res,
      op_random_uniform(
          api_array(low, "low"),
          api_array(high, "high"),
          shape,
          (int)shape_num,
          (lz_dtype)d,
          api_optional(key),
          api_stream(s)));
}

int mlx_random_normal(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    float loc,
    float scale,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("normal");
  int d = api_dtype(dtype, "dtype");
  if (d < 0 || api_shape(shape, shape_num, (lz_dtype)d, "shape"))
    return api_result(res, NULL);
  lz_array* l = loc != 0 ? op_scalar((lz_dtype)d, loc) : NULL;
  lz_array* c = scale != 1 ? op_scalar((lz_dtype)d, scale) : NULL;
  /* Absent they would be 0 and 1. */
  if ((loc != 0 && !l) || (scale != 1 && !c)) return api_result(res, NULL);
  return api_result(
      res,
      op_random_normal(
          shape,
          (int)shape_num,
          (lz_dtype)d,
          l,
          c,
          api_optional(key),
          api_stream(s)));
}

int mlx_random_normal_broadcast(
    mlx_array* res,
    const int* shape,
    size_t shape_num,
    mlx_dtype dtype,
    const mlx_array loc,
    const mlx_array scale,
    const mlx_array key,
    const mlx_stream s) {
  API_OP("normal");
  int d = api_dtype(dtype, "dtype");
  if (d < 0 || api_shape(shape, shape_num, (lz_dtype)d, "shape"))
    return api_result(res, NULL);
  return api_result(
      res,
      op_random_normal(
          shape,
          (int)shape_num,
          (lz_dtype)d,
          api_optional(loc),
          api_optional(scale),
          api_optional(key),
          api_stream(s)));
}
