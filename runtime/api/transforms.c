/* Function transformations. */
#include <stdlib.h>

#include "api/api.h"
#include "api/closure.h"
#include "api/vector.h"
#include "transform/compile.h"
#include "transform/vjp.h"
#include "transform/vmap.h"

static int give_closure(void** ctx, lz_closure* c) {
  return !c || api_closure_set(ctx, c);
}

/* Two lists, both or none. */
static int give_lists(
    mlx_vector_array* first,
    lz_list* a,
    mlx_vector_array* second,
    lz_list* b,
    int failed) {
  if (failed || api_pointer(first, "res_0") || api_pointer(second, "res_1")) {
    list_clear(a);
    list_clear(b);
    return 1;
  }
  failed = api_vector_set(first, a);
  return api_vector_set(second, b) || failed;
}

int mlx_vjp(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    const mlx_closure fun,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents) {
  API_OP("vjp");
  lz_closure* f = api_closure(fun.ctx, "fun");
  const lz_list* in = f ? api_list(primals, "primals") : NULL;
  const lz_list* g = in ? api_list(cotangents, "cotangents") : NULL;
  lz_list outs = {0}, grads = {0};
  int failed = !g || vjp_function(f, in, g, &outs, &grads);
  return api_status(give_lists(res_0, &outs, res_1, &grads, failed));
}

int mlx_jvp(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    const mlx_closure fun,
    const mlx_vector_array primals,
    const mlx_vector_array tangents) {
  API_OP("jvp");
  lz_closure* f = api_closure(fun.ctx, "fun");
  const lz_list* in = f ? api_list(primals, "primals") : NULL;
  const lz_list* t = in ? api_list(tangents, "tangents") : NULL;
  lz_list outs = {0}, results = {0};
  int failed = !t || jvp_function(f, in, t, &outs, &results);
  return api_status(give_lists(res_0, &outs, res_1, &results, failed));
}

int mlx_value_and_grad(
    mlx_closure_value_and_grad* res,
    const mlx_closure fun,
    const int* argnums,
    size_t argnums_num) {
  API_OP("value_and_grad");
  lz_closure* f = api_closure(fun.ctx, "fun");
  if (!f || api_pointer(res, "res") ||
      (argnums_num && api_pointer(argnums, "argnums")))
    return api_status(1);
  return api_status(
      give_closure(&res->ctx, value_and_grad(f, argnums, argnums_num)));
}

int mlx_checkpoint(mlx_closure* res, const mlx_closure fun) {
  API_OP("checkpoint");
  lz_closure* f = api_closure(fun.ctx, "fun");
  if (!f || api_pointer(res, "res")) return api_status(1);
  return api_status(give_closure(&res->ctx, checkpoint(f)));
}

/* A closure that may be absent. */
static lz_closure* maybe(void* ctx) {
  return ctx ? api_closure(ctx, "rule") : NULL;
}

int mlx_custom_function(
    mlx_closure* res,
    const mlx_closure fun,
    const mlx_closure_custom fun_vjp,
    const mlx_closure_custom_jvp fun_jvp,
    const mlx_closure_custom_vmap fun_vmap) {
  API_OP("custom_function");
  lz_closure* f = api_closure(fun.ctx, "fun");
  if (!f || api_pointer(res, "res")) return api_status(1);
  return api_status(give_closure(
      &res->ctx,
      custom_function(
          f, maybe(fun_vjp.ctx), maybe(fun_jvp.ctx), maybe(fun_vmap.ctx))));
}

int mlx_custom_vjp(
    mlx_closure* res, const mlx_closure fun, const mlx_closure_custom fun_vjp) {
  API_OP("custom_vjp");
  lz_closure* f = api_closure(fun.ctx, "fun");
  lz_closure* rule = f ? api_closure(fun_vjp.ctx, "fun_vjp") : NULL;
  if (!rule || api_pointer(res, "res")) return api_status(1);
  return api_status(
      give_closure(&res->ctx, custom_function(f, rule, NULL, NULL)));
}

int mlx_detail_vmap_trace(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    const mlx_closure fun,
    const mlx_vector_array inputs,
    const int* in_axes,
    size_t in_axes_num) {
  API_OP("vmap");
  lz_closure* f = api_closure(fun.ctx, "fun");
  const lz_list* in = f ? api_list(inputs, "inputs") : NULL;
  lz_list a = {0}, b = {0};
  int failed = !in || (in_axes_num && api_pointer(in_axes, "in_axes")) ||
               vmap_trace(f, in, in_axes, in_axes_num, &a, &b);
  return api_status(give_lists(res_0, &a, res_1, &b, failed));
}

int mlx_detail_vmap_replace(
    mlx_vector_array* res,
    const mlx_vector_array inputs,
    const mlx_vector_array s_inputs,
    const mlx_vector_array s_outputs,
    const int* in_axes,
    size_t in_axes_num,
    const int* out_axes,
    size_t out_axes_num) {
  API_OP("vmap");
  const lz_list* in = api_list(inputs, "inputs");
  const lz_list* a = in ? api_list(s_inputs, "s_inputs") : NULL;
  const lz_list* b = a ? api_list(s_outputs, "s_outputs") : NULL;
  lz_list outs = {0};
  int failed =
      !b || api_pointer(res, "res") ||
      (in_axes_num && api_pointer(in_axes, "in_axes")) ||
      (out_axes_num && api_pointer(out_axes, "out_axes")) ||
      vmap_replace(
          in, a, b, in_axes, in_axes_num, out_axes, out_axes_num, &outs);
  if (failed) list_clear(&outs);
  return api_status(failed || api_vector_set(res, &outs));
}

int mlx_compile(mlx_closure* res, const mlx_closure fun, bool shapeless) {
  API_OP("compile");
  lz_closure* f = api_closure(fun.ctx, "fun");
  if (!f || api_pointer(res, "res")) return api_status(1);
  return api_status(give_closure(
      &res->ctx, compile_function(f, f->id, true, shapeless, NULL, 0)));
}

int mlx_detail_compile(
    mlx_closure* res,
    const mlx_closure fun,
    uintptr_t fun_id,
    bool shapeless,
    const uint64_t* constants,
    size_t constants_num) {
  API_OP("compile");
  lz_closure* f = api_closure(fun.ctx, "fun");
  if (!f || api_pointer(res, "res") ||
      (constants_num && api_pointer(constants, "constants")))
    return api_status(1);
  return api_status(give_closure(
      &res->ctx,
      compile_function(f, fun_id, false, shapeless, constants, constants_num)));
}

int mlx_detail_compile_clear_cache(void) {
  compile_clear();
  return 0;
}

int mlx_detail_compile_erase(uintptr_t fun_id) {
  compile_erase(fun_id);
  return 0;
}

int mlx_disable_compile(void) {
  compile_enable(false);
  return 0;
}

int mlx_enable_compile(void) {
  compile_enable(true);
  return 0;
}

int mlx_set_compile_mode(mlx_compile_mode mode) {
  API_OP("set_compile_mode");
  if (mode < MLX_COMPILE_MODE_DISABLED || mode > MLX_COMPILE_MODE_ENABLED)
    return api_status(
        error_fail("[set_compile_mode] %d is no compile mode", (int)mode));
  compile_enable(mode != MLX_COMPILE_MODE_DISABLED);
  return api_status(0);
}
