#include "lazuli/scalar.h"

#include "api/api.h"

/* The type for a scalar whose own is `least` beside an array of `dtype`. */
static lz_dtype scalar_type(lz_dtype least, lz_dtype dtype) {
  lz_dtype_kind own = dtype_kind(least), kind = dtype_kind(dtype);
  if (own == DTYPE_KIND_FLOAT)
    return kind == DTYPE_KIND_FLOAT ? dtype : DTYPE_FLOAT32;
  if (own == DTYPE_KIND_BOOL) return dtype;
  return kind == DTYPE_KIND_BOOL ? DTYPE_INT32 : dtype;
}

static lz_array* scalar_make(
    lz_dtype least, int64_t whole, double value, const lz_array* like) {
  if (!like) return NULL;
  lz_dtype dtype = scalar_type(least, (lz_dtype)like->dtype);
  if (!dtype_is_integer(dtype) || dtype_size(dtype) < 8)
    return scope_own(array_new_scalar(
        dtype,
        !dtype_is_integer(dtype)                   ? value
        : dtype_kind(dtype) == DTYPE_KIND_UNSIGNED ? (double)(uint32_t)whole
                                                   : (double)(int32_t)whole));
  return scope_own(array_new_data(dtype, 0, NULL, &whole));
}

int lazuli_scalar_bool(mlx_array* res, bool value, const mlx_array like) {
  API_OP("lazuli_scalar_bool");
  return api_result(
      res, scalar_make(DTYPE_BOOL, value, value, api_array(like, "like")));
}

int lazuli_scalar_int(mlx_array* res, int64_t value, const mlx_array like) {
  API_OP("lazuli_scalar_int");
  return api_result(
      res,
      scalar_make(DTYPE_INT32, value, (double)value, api_array(like, "like")));
}

int lazuli_scalar_float(mlx_array* res, double value, const mlx_array like) {
  API_OP("lazuli_scalar_float");
  return api_result(
      res, scalar_make(DTYPE_FLOAT32, 0, value, api_array(like, "like")));
}
