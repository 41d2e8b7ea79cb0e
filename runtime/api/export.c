/* mlx/c/export.h: functions exported to files and imported from there. */
#include "api/api.h"
#include "api/closure.h"
#include "portable/exporter.h"

static int export_once(
    const char* file,
    lz_closure* f,
    const lz_list* args,
    const lz_map* kwargs,
    bool shapeless) {
  return !f || !args || api_pointer(file, "file") ||
         exporter_once(file, f, args, kwargs, shapeless);
}

int mlx_export_function(
    const char* file,
    const mlx_closure fun,
    const mlx_vector_array args,
    bool shapeless) {
  API_OP("export_function");
  lz_closure* f = api_closure(fun.ctx, "fun");
  const lz_list* in = f ? api_list(args, "args") : NULL;
  return api_status(export_once(file, f, in, NULL, shapeless));
}

int mlx_export_function_kwargs(
    const char* file,
    const mlx_closure_kwargs fun,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs,
    bool shapeless) {
  API_OP("export_function");
  lz_closure* f = api_closure(fun.ctx, "fun");
  const lz_list* in = f ? api_list(args, "args") : NULL;
  const lz_map* named = in ? api_map(kwargs.ctx, "kwargs") : NULL;
  return api_status(!named || export_once(file, f, in, named, shapeless));
}

/* ---- several functions --------------------------------------------------- */

mlx_function_exporter mlx_function_exporter_new(
    const char* file, const mlx_closure fun, bool shapeless) {
  API_OP("function_exporter_new");
  lz_closure* f = api_closure(fun.ctx, "fun");
  lz_exporter* e = NULL;
  if (f && !api_pointer(file, "file")) e = exporter_new(file, f, shapeless);
  api_status(!e);
  return (mlx_function_exporter){e};
}

int mlx_function_exporter_free(mlx_function_exporter xfunc) {
  API_OP("function_exporter_free");
  return api_status(exporter_free(xfunc.ctx));
}

static int export_apply(
    const mlx_function_exporter xfunc,
    const mlx_vector_array args,
    const lz_map* kwargs) {
  const lz_list* in = api_list(args, "args");
  return !in || api_pointer(xfunc.ctx, "xfunc") ||
         exporter_apply(xfunc.ctx, in, kwargs);
}

int mlx_function_exporter_apply(
    const mlx_function_exporter xfunc, const mlx_vector_array args) {
  API_OP("function_exporter_apply");
  return api_status(export_apply(xfunc, args, NULL));
}

int mlx_function_exporter_apply_kwargs(
    const mlx_function_exporter xfunc,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs) {
  API_OP("function_exporter_apply_kwargs");
  const lz_map* named = api_map(kwargs.ctx, "kwargs");
  return api_status(!named || export_apply(xfunc, args, named));
}

/* ---- imported ------------------------------------------------------------ */

mlx_imported_function mlx_imported_function_new(const char* file) {
  API_OP("imported_function_new");
  lz_imported* i = NULL;
  if (!api_pointer(file, "file")) i = imported_new(file);
  api_status(!i);
  return (mlx_imported_function){i};
}

int mlx_imported_function_free(mlx_imported_function xfunc) {
  imported_free(xfunc.ctx);
  return 0;
}

static int export_call(
    const api_call* call,
    mlx_vector_array* res,
    const mlx_imported_function xfunc,
    const mlx_vector_array args,
    const lz_map* kwargs) {
  const lz_list* in = api_list(args, "args");
  lz_list out = {0};
  int failed = !in || api_pointer(res, "res") ||
               api_pointer(xfunc.ctx, "xfunc") ||
               imported_apply(xfunc.ctx, in, kwargs, &out);
  return api_end_take(call, res, failed, &out);
}

int mlx_imported_function_apply(
    mlx_vector_array* res,
    const mlx_imported_function xfunc,
    const mlx_vector_array args) {
  API_OP("imported_function_apply");
  return export_call(&api_call_, res, xfunc, args, NULL);
}

int mlx_imported_function_apply_kwargs(
    mlx_vector_array* res,
    const mlx_imported_function xfunc,
    const mlx_vector_array args,
    const mlx_map_string_to_array kwargs) {
  API_OP("imported_function_apply_kwargs");
  const lz_map* named = api_map(kwargs.ctx, "kwargs");
  if (!named) return api_status(1);
  return export_call(&api_call_, res, xfunc, args, named);
}
