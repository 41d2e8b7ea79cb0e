/* Quantised matrices, and products that pick, mask or cut their matrices. */
#include "api/api.h"
#include "ops/gather_mm.h"
#include "ops/qmm.h"

/* The format a caller asks for; refuses a mode of NULL. */
static int wished(
    const mlx_optional_int* group_size,
    const mlx_optional_int* bits,
    const char* mode,
    quantize_wish* to) {
  to->group_size = group_size->has_value ? &group_size->value : NULL;
  to->bits = bits->has_value ? &bits->value : NULL;
  to->mode = mode;
  return api_pointer(mode, "mode");
}

int mlx_quantize(
    mlx_vector_array* res,
    const mlx_array w,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale,
    const mlx_stream s) {
  API_OP("quantize");
  lz_array *a = api_array(w, "w"), *out[3];
  quantize_wish wish;
  int n = 0;
  int failed =
      wished(&group_size, &bits, mode, &wish) ||
      op_quantize(a, wish, api_optional(global_scale), api_stream(s), out, &n);
  return api_results(res, failed ? NULL : out, (size_t)n);
}

int mlx_dequantize(
    mlx_array* res,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale,
    mlx_optional_dtype dtype,
    const mlx_stream s) {
  API_OP("dequantize");
  lz_array *a = api_array(w, "w"), *by = api_array(scales, "scales");
  quantize_wish wish;
  if (wished(&group_size, &bits, mode, &wish) ||
      (dtype.has_value && api_dtype(dtype.value, "dtype") < 0))
    return api_result(res, NULL);
  lz_dtype d = (lz_dtype)dtype.value;
  return api_result(
      res,
      op_dequantize(
          a,
          by,
          api_optional(biases),
          wish,
          api_optional(global_scale),
          dtype.has_value ? &d : NULL,
          api_stream(s)));
}

int mlx_quantized_matmul(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases,
    bool transpose,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_stream s) {
  API_OP("quantized_matmul");
  lz_array* a = api_array(x, "x");
  quantized q = {
      .w = api_array(w, "w"),
      .scales = api_array(scales, "scales"),
      .biases = api_optional(biases),
      .transpose = transpose};
  if (wished(&group_size, &bits, mode, &q.wish)) return api_result(res, NULL);
  return api_result(res, op_quantized_matmul(a, q, api_stream(s)));
}

int mlx_gather_qmm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array scales,
    const mlx_array biases,
    const mlx_array lhs_indices,
    const mlx_array rhs_indices,
    bool transpose,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    bool sorted_indices,
    const mlx_stream s) {
  API_OP("gather_qmm");
  (void)sorted_indices; /* a hint */
  lz_array* a = api_array(x, "x");
  quantized q = {
      .w = api_array(w, "w"),
      .scales = api_array(scales, "scales"),
      .biases = api_optional(biases),
      .transpose = transpose};
  if (wished(&group_size, &bits, mode, &q.wish)) return api_result(res, NULL);
  return api_result(
      res,
      op_gather_qmm(
          a,
          q,
          api_optional(lhs_indices),
          api_optional(rhs_indices),
          api_stream(s)));
}

int mlx_qqmm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array w,
    const mlx_array w_scales,
    mlx_optional_int group_size,
    mlx_optional_int bits,
    const char* mode,
    const mlx_array global_scale_x,
    const mlx_array global_scale_w,
    const mlx_stream s) {
  API_OP("qqmm");
  lz_array *a = api_array(x, "x"), *b = api_array(w, "w");
  quantize_wish wish;
  if (wished(&group_size, &bits, mode, &wish)) return api_result(res, NULL);
  return api_result(
      res,
      op_qqmm(
          a,
          b,
          api_optional(w_scales),
          wish,
          api_optional(global_scale_x),
          api_optional(global_scale_w),
          api_stream(s)));
}

int mlx_gather_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_array lhs_indices,
    const mlx_array rhs_indices,
    bool sorted_indices,
    const mlx_stream s) {
  API_OP("gather_mm");
  (void)sorted_indices; /* a hint */
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(
      res,
      op_gather_mm(
          x,
          y,
          api_optional(lhs_indices),
          api_optional(rhs_indices),
          api_stream(s)));
}

int mlx_block_masked_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int block_size,
    const mlx_array mask_out,
    const mlx_array mask_lhs,
    const mlx_array mask_rhs,
    const mlx_stream s) {
  API_OP("block_masked_mm");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  return api_result(
      res,
      op_block_masked_mm(
          x,
          y,
          block_size,
          api_optional(mask_out),
          api_optional(mask_lhs),
          api_optional(mask_rhs),
          api_stream(s)));
}

int mlx_segmented_mm(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    const mlx_array segments,
    const mlx_stream s) {
  API_OP("segmented_mm");
  lz_array *x = api_array(a, "a"), *y = api_array(b, "b");
  lz_array* z = api_array(segments, "segments");
  return api_result(res, op_segmented_mm(x, y, z, api_stream(s)));
}
