/* Programs that write functions to files and read them back. */
#include "program.h"

#define A p->a
#define S p->s

static const char* export_path(program* p) {
  static char path[256];
  snprintf(path, sizeof path, "%s/f.mlxfn", p->folder);
  return path;
}

/* softmax(x @ w) + the payload, and the largest of each row. */
static int head(
    mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array x = {0}, w = {0}, y[2] = {{0}, {0}};
  int failed = mlx_vector_array_get(&x, in, 0) ||
               mlx_vector_array_get(&w, in, 1) || mlx_matmul(&y[0], x, w, s) ||
               mlx_softmax_axis(&y[0], y[0], -1, true, s) ||
               mlx_add(&y[0], y[0], *(mlx_array*)payload, s) ||
               mlx_max_axis(&y[1], y[0], -1, false, s) ||
               mlx_vector_array_set_data(res, y, 2);
  mlx_array_free(x);
  mlx_array_free(w);
  mlx_array_free(y[0]);
  mlx_array_free(y[1]);
  mlx_stream_free(s);
  return failed;
}

/* x * scale, by name. */
static int scaled(
    mlx_vector_array* res,
    const mlx_vector_array in,
    const mlx_map_string_to_array names) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array x = {0}, scale = {0}, y = {0};
  int failed = mlx_vector_array_get(&x, in, 0) ||
               mlx_map_string_to_array_get(&scale, names, "scale") ||
               mlx_multiply(&y, x, scale, s) ||
               mlx_vector_array_set_value(res, y);
  mlx_array_free(x);
  mlx_array_free(scale);
  mlx_array_free(y);
  mlx_stream_free(s);
  return failed;
}

static void imported_apply(program* p, int in, int out) {
  mlx_imported_function f = mlx_imported_function_new(export_path(p));
  p->failed += !f.ctx;
  if (f.ctx) {
    DO(mlx_imported_function_apply(&p->v[out], f, p->v[in]));
    program_take_all(p, p->v[out]);
  }
  mlx_imported_function_free(f);
}

void program_exported(program* p) {
  FILL(0, MLX_FLOAT32, 1, 6, 5);
  FILL(1, MLX_FLOAT32, 1, 5, 4);
  FILL(2, MLX_FLOAT32, 1, 4);
  unlink(export_path(p)); /* none of an earlier run */
  mlx_closure f = mlx_closure_new_func_payload(head, &A[2], NULL);
  p->failed += !f.ctx;
  GATHER(0, 0, 1);
  int failed = p->failed;
  if (f.ctx) DO(mlx_export_function(export_path(p), f, p->v[0], false));
  mlx_closure_free(f);
  if (p->failed > failed) return; /* there is nothing to read */
  imported_apply(p, 0, 1);
}

/* Several traces in one file, one of them for any shape and by name. */
void program_exporter(program* p) {
  FILL(0, MLX_FLOAT32, 1, 6, 5);
  FILL(1, MLX_FLOAT32, 1, 5, 4);
  FILL(2, MLX_FLOAT32, 1, 4);
  FILL(3, MLX_FLOAT32, 1, 2, 5);
  unlink(export_path(p));
  mlx_closure f = mlx_closure_new_func_payload(head, &A[2], NULL);
  mlx_function_exporter e = {0};
  if (f.ctx) e = mlx_function_exporter_new(export_path(p), f, false);
  p->failed += !f.ctx + !e.ctx;
  GATHER(0, 0, 1);
  GATHER(1, 3, 1);
  int failed = p->failed;
  for (int i = 0; i < 2 && e.ctx; i++)
    DO(mlx_function_exporter_apply(e, p->v[i]));
  mlx_function_exporter_free(e);
  mlx_closure_free(f);
  if (p->failed > failed || !e.ctx) return;
  imported_apply(p, 0, 2);
  imported_apply(p, 1, 2);
}

void program_exported_names(program* p) {
  FILL(0, MLX_FLOAT32, 1, 3, 4);
  FILL(1, MLX_FLOAT32, 1, 2, 9);
  FILL(2, MLX_FLOAT32, 1, 1);
  unlink(export_path(p));
  mlx_closure_kwargs f = mlx_closure_kwargs_new_func(scaled);
  mlx_map_string_to_array names = mlx_map_string_to_array_new();
  p->failed += !f.ctx + !names.ctx;
  DO(mlx_map_string_to_array_insert(names, "scale", A[2]));
  GATHER(0, 0);
  GATHER(1, 1);
  int failed = p->failed;
  if (f.ctx)
    DO(mlx_export_function_kwargs(export_path(p), f, p->v[0], names, true));
  mlx_closure_kwargs_free(f);
  mlx_imported_function g = {0};
  if (f.ctx && p->failed == failed) {
    g = mlx_imported_function_new(export_path(p));
    p->failed += !g.ctx;
  }
  for (int i = 0; i < 2 && g.ctx; i++) {
    DO(mlx_imported_function_apply_kwargs(&p->v[2], g, p->v[i], names));
    program_take_all(p, p->v[2]);
  }
  mlx_imported_function_free(g);
  mlx_map_string_to_array_free(names);
}
