/* Normalisation, rotary embedding and attention as single operations. */
#include "api/api.h"
#include "ops/attention.h"
#include "ops/create.h"
#include "ops/norm.h"
#include "ops/rope.h"

int mlx_fast_rms_norm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array weight,
    float eps,
    const mlx_stream s) {
  API_OP("rms_norm");
  return api_result(
      res,
      op_rms_norm(api_array(x, "x"), api_optional(weight), eps, api_stream(s)));
}

int mlx_fast_layer_norm(
    mlx_array* res,
    const mlx_array x,
    const mlx_array weight,
    const mlx_array bias,
    float eps,
    const mlx_stream s) {
  API_OP("layer_norm");
  return api_result(
      res,
      op_layer_norm(
          api_array(x, "x"),
          api_optional(weight),
          api_optional(bias),
          eps,
          api_stream(s)));
}

int mlx_fast_rope(
    mlx_array* res,
    const mlx_array x,
    int dims,
    bool traditional,
    mlx_optional_float base,
    float scale,
    int offset,
    const mlx_array freqs,
    const mlx_stream s) {
  API_OP("rope");
  return api_result(
      res,
      op_rope(
          api_array(x, "x"),
          dims,
          traditional,
          base.has_value ? &base.value : NULL,
          scale,
          op_scalar(DTYPE_INT32, offset),
          api_optional(freqs),
          api_stream(s)));
}

int mlx_fast_rope_dynamic(
    mlx_array* res,
    const mlx_array x,
    int dims,
    bool traditional,
    mlx_optional_float base,
    float scale,
    const mlx_array offset,
    const mlx_array freqs,
    const mlx_stream s) {
  API_OP("rope");
  return api_result(
      res,
      op_rope(
          api_array(x, "x"),
          dims,
          traditional,
          base.has_value ? &base.value : NULL,
          scale,
          api_array(offset, "offset"),
          api_optional(freqs),
          api_stream(s)));
}

int mlx_fast_scaled_dot_product_attention(
    mlx_array* res,
    const mlx_array queries,
    const mlx_array keys,
    const mlx_array values,
    float scale,
    const char* mask_mode,
    const mlx_array mask_arr,
    const mlx_array sinks,
    const mlx_stream s) {
  API_OP("scaled_dot_product_attention");
  lz_array* q = api_array(queries, "queries");
  lz_array* k = api_array(keys, "keys");
  lz_array* v = api_array(values, "values");
  if (api_pointer(mask_mode, "mask_mode")) return api_result(res, NULL);
  return api_result(
      res,
      op_attention(
          q,
          k,
          v,
          scale,
          mask_mode,
          api_optional(mask_arr),
          api_optional(sinks),
          api_stream(s)));
}
