/* Arrays: creation, inspection, evaluation and access to values.
 *
 * A handle's ctx is NULL until it is set; functions that set an output
 * allocate where it is NULL and overwrite in place elsewhere, keeping ctx.
 * Handles that are set from one another share the array: evaluating through
 * one makes it available through all. Operations build a graph and compute
 * nothing; values are computed by eval, item, data and tostring. Any thread
 * may use any array; one handle is used by one thread at a time. */
#ifndef MLX_C_ARRAY_H
#define MLX_C_ARRAY_H

#include <complex.h>
#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lazuli/api.h"
#include "mlx/c/half.h"
#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef float _Complex mlx_complex64_t;

typedef enum mlx_dtype_ {
  MLX_BOOL,
  MLX_UINT8,
  MLX_UINT16,
  MLX_UINT32,
  MLX_UINT64,
  MLX_INT8,
  MLX_INT16,
  MLX_INT32,
  MLX_INT64,
  MLX_FLOAT16,
  MLX_FLOAT32,
  MLX_FLOAT64,
  MLX_BFLOAT16,
  MLX_COMPLEX64,
} mlx_dtype;

typedef struct mlx_array_ {
  void* ctx;
} mlx_array;

/* An array that holds nothing: what optional arguments take. */
LAZULI_UNUSED static mlx_array mlx_array_empty;

/* Bytes of an element. */
LAZULI_API size_t mlx_dtype_size(mlx_dtype dtype);

/* Evaluates, and gives the text "array([1, 2, 3], dtype=int32)": axes of
 * more than six elements are shown by their first and last three. */
LAZULI_API int mlx_array_tostring(mlx_string* str, const mlx_array arr);

/* No array: ctx is NULL. */
LAZULI_API mlx_array mlx_array_new(void);

/* Drops the handle. Takes NULL ctx. Returns 0. */
LAZULI_API int mlx_array_free(mlx_array arr);

/* Scalars: bool, int32, float32, float64, complex64. */
LAZULI_API mlx_array mlx_array_new_bool(bool val);

LAZULI_API mlx_array mlx_array_new_int(int val);

LAZULI_API mlx_array mlx_array_new_float32(float val);

LAZULI_API mlx_array mlx_array_new_float(float val);

LAZULI_API mlx_array mlx_array_new_float64(double val);

LAZULI_API mlx_array mlx_array_new_double(double val);

LAZULI_API mlx_array mlx_array_new_complex(float real_val, float imag_val);

/* A copy of data, row-major, of the given shape (dim extents, none
 * negative). data may be NULL only where there are no elements. */
LAZULI_API mlx_array mlx_array_new_data(
    const void* data, const int* shape, int dim, mlx_dtype dtype);

/* The same without copying: dtor(data) runs once, when nothing needs the
 * memory any more, on any thread. Memory not aligned to its elements is
 * copied, and dtor runs at once. On failure dtor does not run. */
LAZULI_API mlx_array mlx_array_new_data_managed(
    void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype,
    void (*dtor)(void*));

/* The same with dtor(payload). */
LAZULI_API mlx_array mlx_array_new_data_managed_payload(
    void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype,
    void* payload,
    void (*dtor)(void*));

/* *arr shares src's array. */
LAZULI_API int mlx_array_set(mlx_array* arr, const mlx_array src);

LAZULI_API int mlx_array_set_bool(mlx_array* arr, bool val);

LAZULI_API int mlx_array_set_int(mlx_array* arr, int val);

LAZULI_API int mlx_array_set_float32(mlx_array* arr, float val);

LAZULI_API int mlx_array_set_float(mlx_array* arr, float val);

LAZULI_API int mlx_array_set_float64(mlx_array* arr, double val);

LAZULI_API int mlx_array_set_double(mlx_array* arr, double val);

LAZULI_API int mlx_array_set_complex(
    mlx_array* arr, float real_val, float imag_val);

LAZULI_API int mlx_array_set_data(
    mlx_array* arr,
    const void* data,
    const int* shape,
    int dim,
    mlx_dtype dtype);

LAZULI_API size_t mlx_array_itemsize(const mlx_array arr);

LAZULI_API size_t mlx_array_size(const mlx_array arr);

/* size times itemsize. */
LAZULI_API size_t mlx_array_nbytes(const mlx_array arr);

LAZULI_API size_t mlx_array_ndim(const mlx_array arr);

/* ndim extents; not NULL for scalars. Lives as long as the array. */
LAZULI_API const int* mlx_array_shape(const mlx_array arr);

/* ndim strides in elements, negative ones wrapped to size_t. Evaluation may
 * change them: a lazy transpose shows row-major strides before. */
LAZULI_API const size_t* mlx_array_strides(const mlx_array arr);

/* Extent of axis dim; negative ones count from the end. */
LAZULI_API int mlx_array_dim(const mlx_array arr, int dim);

LAZULI_API mlx_dtype mlx_array_dtype(const mlx_array arr);

/* Computes the array and waits for it. */
LAZULI_API int mlx_array_eval(mlx_array arr);

/* The item functions evaluate an array of size 1 and give the bits of its
 * element: nothing is converted, so the type must be the array's. */
LAZULI_API int mlx_array_item_bool(bool* res, const mlx_array arr);

LAZULI_API int mlx_array_item_uint8(uint8_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_uint16(uint16_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_uint32(uint32_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_uint64(uint64_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_int8(int8_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_int16(int16_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_int32(int32_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_int64(int64_t* res, const mlx_array arr);

LAZULI_API int mlx_array_item_float32(float* res, const mlx_array arr);

LAZULI_API int mlx_array_item_float64(double* res, const mlx_array arr);

LAZULI_API int mlx_array_item_complex64(
    mlx_complex64_t* res, const mlx_array arr);

#ifdef HAS_FLOAT16
LAZULI_API int mlx_array_item_float16(float16_t* res, const mlx_array arr);
#endif

#ifdef HAS_BFLOAT16
LAZULI_API int mlx_array_item_bfloat16(bfloat16_t* res, const mlx_array arr);
#endif

/* The data functions evaluate and give the first element's address in the
 * array's own layout: see strides. Valid as long as the array. NULL where
 * evaluation fails. */
LAZULI_API const bool* mlx_array_data_bool(const mlx_array arr);

LAZULI_API const uint8_t* mlx_array_data_uint8(const mlx_array arr);

LAZULI_API const uint16_t* mlx_array_data_uint16(const mlx_array arr);

LAZULI_API const uint32_t* mlx_array_data_uint32(const mlx_array arr);

LAZULI_API const uint64_t* mlx_array_data_uint64(const mlx_array arr);

LAZULI_API const int8_t* mlx_array_data_int8(const mlx_array arr);

LAZULI_API const int16_t* mlx_array_data_int16(const mlx_array arr);

LAZULI_API const int32_t* mlx_array_data_int32(const mlx_array arr);

LAZULI_API const int64_t* mlx_array_data_int64(const mlx_array arr);

LAZULI_API const float* mlx_array_data_float32(const mlx_array arr);

LAZULI_API const double* mlx_array_data_float64(const mlx_array arr);

LAZULI_API const mlx_complex64_t* mlx_array_data_complex64(const mlx_array arr);

#ifdef HAS_FLOAT16
LAZULI_API const float16_t* mlx_array_data_float16(const mlx_array arr);
#endif

#ifdef HAS_BFLOAT16
LAZULI_API const bfloat16_t* mlx_array_data_bfloat16(const mlx_array arr);
#endif

/* Whether the values are there: false before evaluation and while it runs. */
LAZULI_API int _mlx_array_is_available(bool* res, const mlx_array arr);

/* Afterwards the values are available; an array that was not being computed
 * is evaluated. */
LAZULI_API int _mlx_array_wait(const mlx_array arr);

/* Layout flags, known once the array has been evaluated: no holes in some
 * order of axes; in row-major order; in column-major order. */
LAZULI_API int _mlx_array_is_contiguous(bool* res, const mlx_array arr);

LAZULI_API int _mlx_array_is_row_contiguous(bool* res, const mlx_array arr);

LAZULI_API int _mlx_array_is_col_contiguous(bool* res, const mlx_array arr);

#ifdef __cplusplus
}
#endif

#endif
