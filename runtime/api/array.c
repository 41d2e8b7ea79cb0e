/* Arrays of the interface: creation and inspection. */
#include "core/array.h"

#include <stdint.h>

#include "api/api.h"
#include "memory/alloc.h"

size_t mlx_dtype_size(mlx_dtype dtype) {
  if ((unsigned)dtype < DTYPE_COUNT) return dtype_size((lz_dtype)dtype);
  API_RAISE("[dtype_size] argument dtype: %d is no dtype", (int)dtype);
  return 0;
}

/* ---- creation ------------------------------------------------------------ */

int mlx_array_set(mlx_array* arr, const mlx_array src) {
  if (!arr) return API_RAISE("[array_set] argument arr: the pointer is NULL");
  if (!src.ctx)
    return API_RAISE("[array_set] argument src: the array is empty");
  return api_handle_set(arr, array_ref(((lz_handle*)src.ctx)->array))
             ? API_REPORT()
             : 0;
}

static int array_set_scalar(
    mlx_array* arr, lz_dtype dtype, const void* value, const char* where) {
  if (!arr) return API_RAISE("[%s] argument arr: the pointer is NULL", where);
  lz_array* a = array_new_data(dtype, 0, NULL, value);
  return api_handle_set(arr, a) ? API_REPORT() : 0;
}

/* name, dtype, the type in the prototype, the type that is stored */
#define SCALARS(X)                          \
  X(bool, DTYPE_BOOL, bool, uint8_t)        \
  X(int, DTYPE_INT32, int, int32_t)         \
  X(float32, DTYPE_FLOAT32, float, float)   \
  X(float, DTYPE_FLOAT32, float, float)     \
  X(float64, DTYPE_FLOAT64, double, double) \
  X(double, DTYPE_FLOAT64, double, double)

#define SCALAR(name, dtype, type, stored)                                    \
  int mlx_array_set_##name(mlx_array* arr, type val) {                       \
    return array_set_scalar(arr, dtype, &(stored){val}, "array_set_" #name); \
  }                                                                          \
  mlx_array mlx_array_new_##name(type val) {                                 \
    mlx_array res = {0};                                                     \
    array_set_scalar(&res, dtype, &(stored){val}, "array_new_" #name);       \
    return res;                                                              \
  }
SCALARS(SCALAR)

int mlx_array_set_complex(mlx_array* arr, float real_val, float imag_val) {
  return array_set_scalar(
      arr,
      DTYPE_COMPLEX64,
      &(lz_complex){real_val, imag_val},
      "array_set_complex");
}

mlx_array mlx_array_new_complex(float real_val, float imag_val) {
  mlx_array res = {0};
  array_set_scalar(
      &res,
      DTYPE_COMPLEX64,
      &(lz_complex){real_val, imag_val},
      "array_new_complex");
  return res;
}

/* dtype and shape of an array whose data the program gives. */
static int array_check(
    const void* data, const int* shape, int dim, mlx_dtype dtype) {
  if (api_dtype(dtype, "dtype") < 0) return 1;
  if (dim < 0) return error_fail("argument dim: %d axes", dim);
  if (api_shape(shape, (size_t)dim, (lz_dtype)dtype, "shape")) return 1;
  bool empty = false;
  for (int i = 0; i < dim; i++) empty |= shape[i] == 0;
  return !empty && api_pointer(data, "data");
}

static lz_array* array_from(
    const void* data, const int* shape, int dim, mlx_dtype dtype) {
  return array_check(data, shape, dim, dtype)
             ? NULL
             : scope_own(array_new_data((lz_dtype)dtype, dim, shape, data));
}

int mlx_array_set_data(
    mlx_array* arr,
    const void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype) {
  API_OP("array_set_data");
  return api_result(arr, array_from(data, shape, dim, dtype));
}

mlx_array mlx_array_new_data(
    const void* data, const int* shape, int dim, mlx_dtype dtype) {
  API_OP("array_new_data");
  mlx_array res = {0};
  api_result(&res, array_from(data, shape, dim, dtype));
  return res;
}

/* Keeps the program's memory where kernels can read it in place; else copies,
 * and the memory is done with at once. */
static lz_array* array_managed(
    void* data,
    const int* shape,
    int dim,
    mlx_dtype type,
    void* payload,
    void (*dtor)(void*)) {
  if (array_check(data, shape, dim, type)) return NULL;
  lz_dtype dtype = (lz_dtype)type;
  size_t bytes = dtype_size(dtype);
  for (int i = 0; i < dim; i++) bytes *= (size_t)shape[i];
  size_t align = dtype == DTYPE_COMPLEX64 ? 4 : dtype_size(dtype);
  if (bytes == 0 || (uintptr_t)data % align) {
    lz_array* copy = array_new_data(dtype, dim, shape, data);
    if (copy && dtor) dtor(payload);
    return copy;
  }
  lz_buffer* buffer = buffer_new_external(data, bytes, dtor, payload);
  return buffer ? array_new_buffer(dtype, dim, shape, buffer) : NULL;
}

mlx_array mlx_array_new_data_managed_payload(
    void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype,
    void* payload,
    void (*dtor)(void*)) {
  API_OP("array_new_data_managed");
  mlx_array res = {0};
  api_result(
      &res, scope_own(array_managed(data, shape, dim, dtype, payload, dtor)));
  return res;
}

mlx_array mlx_array_new_data_managed(
    void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype,
    void (*dtor)(void*)) {
  return mlx_array_new_data_managed_payload(
      data, shape, dim, dtype, data, dtor);
}

/* ---- inspection ---------------------------------------------------------- */

#define ARRAY_OR(arr, name, fallback)                                          \
  const lz_array* a = (arr).ctx ? ((const lz_handle*)(arr).ctx)->array : NULL; \
  if (__builtin_expect(!a, 0)) {                                               \
    API_RAISE("[" name "] argument arr: the array is empty");                  \
    return fallback;                                                           \
  }

size_t mlx_array_itemsize(const mlx_array arr) {
  ARRAY_OR(arr, "array_itemsize", 0)
  return dtype_size((lz_dtype)a->dtype);
}

size_t mlx_array_size(const mlx_array arr) {
  ARRAY_OR(arr, "array_size", 0)
  return (size_t)a->size;
}

size_t mlx_array_nbytes(const mlx_array arr) {
  ARRAY_OR(arr, "array_nbytes", 0)
  return array_nbytes(a);
}

size_t mlx_array_ndim(const mlx_array arr) {
  ARRAY_OR(arr, "array_ndim", 0)
  return a->ndim;
}

const int* mlx_array_shape(const mlx_array arr) {
  ARRAY_OR(arr, "array_shape", NULL)
  return a->shape;
}

const size_t* mlx_array_strides(const mlx_array arr) {
  ARRAY_OR(arr, "array_strides", NULL)
  return (const size_t*)a->strides;
}

int mlx_array_dim(const mlx_array arr, int dim) {
  ARRAY_OR(arr, "array_dim", 0)
  int axis = dim < 0 ? dim + a->ndim : dim;
  if (axis >= 0 && axis < a->ndim) return a->shape[axis];
  API_RAISE(
      "[array_dim] argument dim: axis %d of an array of shape %s",
      dim,
      error_shape_of(a));
  return 0;
}

mlx_dtype mlx_array_dtype(const mlx_array arr) {
  ARRAY_OR(arr, "array_dtype", MLX_BOOL)
  return (mlx_dtype)a->dtype;
}

static int array_flag(
    bool* res, const mlx_array arr, uint8_t flag, const char* where) {
  if (!arr.ctx)
    return API_RAISE("[%s] argument arr: the array is empty", where);
  if (!res) return API_RAISE("[%s] argument res: the pointer is NULL", where);
  const lz_array* a = ((lz_handle*)arr.ctx)->array;
  *res = flag == ARRAY_CONTIGUOUS ? array_without_holes(a) : a->flags & flag;
  return 0;
}

int _mlx_array_is_contiguous(bool* res, const mlx_array arr) {
  return array_flag(res, arr, ARRAY_CONTIGUOUS, "array_is_contiguous");
}

int _mlx_array_is_row_contiguous(bool* res, const mlx_array arr) {
  return array_flag(res, arr, ARRAY_ROW_CONTIGUOUS, "array_is_row_contiguous");
}

int _mlx_array_is_col_contiguous(bool* res, const mlx_array arr) {
  return array_flag(res, arr, ARRAY_COL_CONTIGUOUS, "array_is_col_contiguous");
}
