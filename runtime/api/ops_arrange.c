/* Operations that rearrange arrays, and several results at once. */
#include "ops/arrange.h"

#include "api/api.h"
#include "ops/arith.h"
#include "ops/einsum.h"
#include "ops/shape.h"

/* Ints that may be NULL only when there are none. */
static bool ints(const int* p, size_t n, const char* argument) {
  return n == 0 || api_pointer(p, argument) == 0;
}

int mlx_atleast_1d(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("atleast_1d");
  return api_result(res, op_atleast(api_array(a, "a"), 1, api_stream(s)));
}

int mlx_atleast_2d(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("atleast_2d");
  return api_result(res, op_atleast(api_array(a, "a"), 2, api_stream(s)));
}

int mlx_atleast_3d(mlx_array* res, const mlx_array a, const mlx_stream s) {
  API_OP("atleast_3d");
  return api_result(res, op_atleast(api_array(a, "a"), 3, api_stream(s)));
}

int mlx_tile(
    mlx_array* res,
    const mlx_array arr,
    const int* reps,
    size_t reps_num,
    const mlx_stream s) {
  API_OP("tile");
  lz_array* a = api_array(arr, "arr");
  return api_result(
      res,
      ints(reps, reps_num, "reps")
          ? op_tile(a, reps, (int)reps_num, api_stream(s))
          : NULL);
}

int mlx_repeat_axis(
    mlx_array* res,
    const mlx_array arr,
    int repeats,
    int axis,
    const mlx_stream s) {
  API_OP("repeat_axis");
  return api_result(
      res, op_repeat(api_array(arr, "arr"), repeats, &axis, api_stream(s)));
}

int mlx_repeat(
    mlx_array* res, const mlx_array arr, int repeats, const mlx_stream s) {
  API_OP("repeat");
  return api_result(
      res, op_repeat(api_array(arr, "arr"), repeats, NULL, api_stream(s)));
}

/* The shifts alone, summed along one axis, or one an axis. */
static lz_array* roll(
    lz_array* a,
    const int* shift,
    size_t n_shifts,
    const int* axes,
    int n_axes,
    mlx_stream s) {
  if (!ints(shift, n_shifts, "shift")) return NULL;
  return op_roll(a, shift, (int)n_shifts, axes, n_axes, api_stream(s));
}

int mlx_roll(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    const mlx_stream s) {
  API_OP("roll");
  return api_result(
      res, roll(api_array(a, "a"), shift, shift_num, NULL, -1, s));
}

int mlx_roll_axis(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    int axis,
    const mlx_stream s) {
  API_OP("roll_axis");
  lz_array* x = api_array(a, "a");
  int total = 0;
  bool fine = ints(shift, shift_num, "shift");
  for (size_t i = 0; fine && i < shift_num; i++) total += shift[i];
  return api_result(res, fine ? roll(x, &total, 1, &axis, 1, s) : NULL);
}

int mlx_roll_axes(
    mlx_array* res,
    const mlx_array a,
    const int* shift,
    size_t shift_num,
    const int* axes,
    size_t axes_num,
    const mlx_stream s) {
  API_OP("roll_axes");
  lz_array* x = api_array(a, "a");
  return api_result(
      res,
      ints(axes, axes_num, "axes")
          ? roll(x, shift, shift_num, axes, (int)axes_num, s)
          : NULL);
}

/* ---- several results ----------------------------------------------------- */

int mlx_split(
    mlx_vector_array* res,
    const mlx_array a,
    int num_splits,
    int axis,
    const mlx_stream s) {
  API_OP("split");
  lz_list out = {0};
  int failed =
      op_split(api_array(a, "a"), num_splits, axis, api_stream(s), &out);
  return api_take(res, failed, &out);
}

int mlx_split_sections(
    mlx_vector_array* res,
    const mlx_array a,
    const int* indices,
    size_t indices_num,
    int axis,
    const mlx_stream s) {
  API_OP("split_sections");
  lz_list out = {0};
  lz_array* x = api_array(a, "a");
  int failed =
      !ints(indices, indices_num, "indices") ||
      op_split_at(x, indices, (int)indices_num, axis, api_stream(s), &out);
  return api_take(res, failed, &out);
}

int mlx_broadcast_arrays(
    mlx_vector_array* res, const mlx_vector_array inputs, const mlx_stream s) {
  API_OP("broadcast_arrays");
  lz_list out = {0};
  const lz_list* v = api_list(inputs, "inputs");
  int failed =
      !v || op_broadcast_arrays(v->items, v->count, api_stream(s), &out);
  return api_take(res, failed, &out);
}

int mlx_meshgrid(
    mlx_vector_array* res,
    const mlx_vector_array arrays,
    bool sparse,
    const char* indexing,
    const mlx_stream s) {
  API_OP("meshgrid");
  lz_list out = {0};
  const lz_list* v = api_list(arrays, "arrays");
  int failed =
      !v || api_pointer(indexing, "indexing") ||
      op_meshgrid(v->items, v->count, sparse, indexing, api_stream(s), &out);
  return api_take(res, failed, &out);
}

int mlx_divmod(
    mlx_vector_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_stream s) {
  API_OP("divmod");
  lz_array* out[2];
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  int failed = op_divmod(x, y, api_stream(s), out);
  return api_results(res, failed ? NULL : out, 2);
}

int mlx_depends(
    mlx_vector_array* res,
    const mlx_vector_array inputs,
    const mlx_vector_array dependencies) {
  API_OP("depends");
  lz_list out = {0};
  const lz_list* v = api_list(inputs, "inputs");
  const lz_list* d = api_list(dependencies, "dependencies");
  return api_take(res, !v || !d || op_depends(v, d, &out), &out);
}

/* ---- products ------------------------------------------------------------ */

int mlx_tensordot(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const int* axes_a,
    size_t axes_a_num,
    const int* axes_b,
    size_t axes_b_num,
    const mlx_stream s) {
  API_OP("tensordot");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  bool fine =
      ints(axes_a, axes_a_num, "axes_a") && ints(axes_b, axes_b_num, "axes_b");
  return api_result(
      res,
      fine ? op_tensordot(
                 x,
                 y,
                 axes_a,
                 (int)axes_a_num,
                 axes_b,
                 (int)axes_b_num,
                 api_stream(s))
           : NULL);
}

int mlx_tensordot_axis(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int axis,
    const mlx_stream s) {
  API_OP("tensordot_axis");
  return api_result(
      res,
      op_tensordot_axis(
          api_array(a, "a"), api_array(b, "b"), axis, api_stream(s)));
}

int mlx_einsum(
    mlx_array* res,
    const char* subscripts,
    const mlx_vector_array operands,
    const mlx_stream s) {
  API_OP("einsum");
  const lz_list* v = api_list(operands, "operands");
  bool fine = v && api_pointer(subscripts, "subscripts") == 0;
  return api_result(
      res,
      fine ? op_einsum(subscripts, v->items, v->count, api_stream(s)) : NULL);
}

int mlx_number_of_elements(
    mlx_array* res,
    const mlx_array a,
    const int* axes,
    size_t axes_num,
    bool inverted,
    mlx_dtype dtype,
    const mlx_stream s) {
  API_OP("number_of_elements");
  lz_array* x = api_array(a, "a");
  bool fine = ints(axes, axes_num, "axes") && api_dtype(dtype, "dtype") >= 0;
  lz_stream* stream = api_stream(s);
  return api_result(
      res,
      fine ? op_number_of_elements(
                 x, axes, (int)axes_num, inverted, (lz_dtype)dtype, stream)
           : NULL);
}

int mlx_view(
    mlx_array* res, const mlx_array a, mlx_dtype dtype, const mlx_stream s) {
  API_OP("view");
  lz_array* x = api_array(a, "a");
  int d = api_dtype(dtype, "dtype");
  return api_result(res, d < 0 ? NULL : op_view(x, (lz_dtype)d, api_stream(s)));
}
