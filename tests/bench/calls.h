/* Part of cases.c: what an interface costs beside its kernels. Values in and
 * out, text, files, and functions: transformed, compiled, exported. */
#ifndef TESTS_BENCH_CALLS_H
#define TESTS_BENCH_CALLS_H

#include <unistd.h>

/* ---- values in and out ---- */
static void from_data(void) {
  static float values[1 << 20];
  const int shape[] = {1 << 20};
  mlx_array_free(mlx_array_new_data(values, shape, 1, MLX_FLOAT32));
}
static void from_four(void) {
  const float values[4] = {1, 2, 3, 4};
  const int shape[] = {4};
  mlx_array_free(mlx_array_new_data(values, shape, 1, MLX_FLOAT32));
}
static void from_number(void) {
  mlx_array_free(mlx_array_new_float(1));
}
static void item(void) {
  float value;
  mlx_array_item_float32(&value, one);
}
static void text_of(mlx_array a) {
  mlx_string s = mlx_string_new();
  mlx_array_tostring(&s, a);
  mlx_string_free(s);
}
static void text_few(void) {
  text_of(tiny);
}
static void text_many(void) {
  text_of(square);
}
static void async_one(void) {
  mlx_array a = mlx_array_new();
  mlx_add(&a, tiny, one, stream);
  mlx_vector_array all = mlx_vector_array_new_value(a);
  mlx_async_eval(all);
  mlx_array_eval(a);
  mlx_vector_array_free(all);
  mlx_array_free(a);
}
/* A view of a view: nothing is computed. */
static void views(void) {
  const int from[] = {1, 2}, to[] = {900, 1000}, by[] = {1, 2};
  mlx_array a = mlx_array_new();
  mlx_transpose(&a, left[0], stream);
  mlx_slice(&a, a, from, 2, to, 2, by, 2, stream);
  mlx_expand_dims(&a, a, 0, stream);
  mlx_array_eval(a);
  mlx_array_free(a);
}

/* ---- files ---- */
static const char* file_named(const char* ending) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/lazuli-bench-%d.%s", (int)getpid(), ending);
  return path;
}
static void file_gone(void) {
  static const char* const endings[] = {"npy", "safetensors", "gguf"};
  for (int i = 0; i < 3; i++) unlink(file_named(endings[i]));
}
static const char* file_of(const char* ending) {
  static int known;
  if (!known++) atexit(file_gone);
  return file_named(ending);
}
/* What is loaded must be there. */
static void save_once(void (*save)(void), int which) {
  static bool saved[3];
  if (!saved[which]) save();
  saved[which] = true;
}
static void save_npy(void) {
  mlx_save(file_of("npy"), left[0]);
}
static void load_npy(void) {
  mlx_array a = mlx_array_new();
  save_once(save_npy, 0);
  mlx_load(&a, file_of("npy"), stream);
  mlx_array_eval(a);
  mlx_array_free(a);
}
static void save_tensors(void) {
  mlx_map_string_to_array all = mlx_map_string_to_array_new();
  mlx_map_string_to_string none = mlx_map_string_to_string_new();
  for (int i = 0; i < 3; i++) {
    const char name[] = {(char)('a' + i), 0};
    mlx_map_string_to_array_insert(all, name, left[i]);
  }
  mlx_save_safetensors(file_of("safetensors"), all, none);
  mlx_map_string_to_array_free(all);
  mlx_map_string_to_string_free(none);
}
static void load_tensors(void) {
  mlx_map_string_to_array all = mlx_map_string_to_array_new();
  mlx_map_string_to_string notes = mlx_map_string_to_string_new();
  mlx_array a = mlx_array_new();
  save_once(save_tensors, 1);
  mlx_load_safetensors(&all, &notes, file_of("safetensors"), stream);
  for (int i = 0; i < 3; i++) {
    const char name[] = {(char)('a' + i), 0};
    mlx_map_string_to_array_get(&a, all, name);
    mlx_array_eval(a);
  }
  mlx_array_free(a);
  mlx_map_string_to_array_free(all);
  mlx_map_string_to_string_free(notes);
}
static void save_gguf(void) {
  mlx_io_gguf all = mlx_io_gguf_new();
  mlx_io_gguf_set_array(all, "a", left[0]);
  mlx_save_gguf(file_of("gguf"), all);
  mlx_io_gguf_free(all);
}
static void load_gguf(void) {
  mlx_io_gguf all = mlx_io_gguf_new();
  mlx_array a = mlx_array_new();
  save_once(save_gguf, 2);
  mlx_load_gguf(&all, file_of("gguf"), stream);
  mlx_io_gguf_get_array(&a, all, "a");
  mlx_array_eval(a);
  mlx_array_free(a);
  mlx_io_gguf_free(all);
}

/* ---- functions ---- */

/* sum(tanh(x w + w)) of its two inputs. */
static int small_function(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array a = mlx_array_new(), w = mlx_array_new();
  mlx_vector_array_get(&a, in, 0);
  mlx_vector_array_get(&w, in, 1);
  mlx_multiply(&a, a, w, stream);
  mlx_add(&a, a, w, stream);
  mlx_tanh(&a, a, stream);
  mlx_sum(&a, a, false, stream);
  *out = mlx_vector_array_new_value(a);
  mlx_array_free(a);
  return mlx_array_free(w);
}
/* tanh(x w + w) and nine times more of the same of what comes out. */
static int deep_function(mlx_vector_array* out, const mlx_vector_array in) {
  mlx_array a = mlx_array_new(), w = mlx_array_new();
  mlx_vector_array_get(&a, in, 0);
  mlx_vector_array_get(&w, in, 1);
  for (int i = 0; i < 10; i++) {
    mlx_multiply(&a, a, w, stream);
    mlx_add(&a, a, w, stream);
    mlx_tanh(&a, a, stream);
  }
  *out = mlx_vector_array_new_value(a);
  mlx_array_free(a);
  return mlx_array_free(w);
}

static mlx_closure function_small(void) {
  static mlx_closure f;
  if (!f.ctx) f = mlx_closure_new_func(small_function);
  return f;
}
static mlx_closure function_deep(void) {
  static mlx_closure f;
  if (!f.ctx) f = mlx_closure_new_func(deep_function);
  return f;
}
static mlx_vector_array two_tiny(void) {
  static mlx_vector_array both;
  if (!both.ctx)
    both = mlx_vector_array_new_data((const mlx_array[]){tiny, tiny}, 2);
  return both;
}
static void finish_vector(mlx_vector_array v) {
  mlx_eval(v);
  mlx_vector_array_free(v);
}
static void gradient(void) {
  static mlx_closure_value_and_grad g;
  mlx_vector_array value = mlx_vector_array_new(),
                   grad = mlx_vector_array_new();
  if (!g.ctx) {
    const int both[] = {0, 1};
    mlx_value_and_grad(&g, function_small(), both, 2);
  }
  mlx_closure_value_and_grad_apply(&value, &grad, g, two_tiny());
  finish_vector(grad);
  mlx_vector_array_free(value);
}
static void pulled(void) {
  mlx_vector_array values = mlx_vector_array_new();
  mlx_vector_array grads = mlx_vector_array_new();
  mlx_vector_array back = mlx_vector_array_new_value(tiny);
  mlx_vjp(&values, &grads, function_deep(), two_tiny(), back);
  finish_vector(grads);
  mlx_vector_array_free(values);
  mlx_vector_array_free(back);
}
static void pushed(void) {
  mlx_vector_array values = mlx_vector_array_new();
  mlx_vector_array tangents = mlx_vector_array_new();
  mlx_jvp(&values, &tangents, function_deep(), two_tiny(), two_tiny());
  finish_vector(tangents);
  mlx_vector_array_free(values);
}
static void mapped(void) {
  const int axes[] = {0, 0};
  mlx_vector_array in = mlx_vector_array_new(), out = mlx_vector_array_new();
  mlx_vector_array results = mlx_vector_array_new();
  mlx_detail_vmap_trace(&in, &out, function_deep(), two_tiny(), axes, 2);
  mlx_detail_vmap_replace(&results, two_tiny(), in, out, axes, 2, axes, 1);
  finish_vector(results);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
}
/* Nothing that was planned before serves. */
static void new_shape(void) {
  static int length;
  const int from[] = {0}, to[] = {++length % 65536 + 1}, by[] = {1};
  mlx_array part = mlx_array_new();
  mlx_slice(&part, x, from, 1, to, 1, by, 1, stream);
  mlx_vector_array in =
      mlx_vector_array_new_data((const mlx_array[]){part, part}, 2);
  mlx_vector_array out = mlx_vector_array_new();
  deep_function(&out, in);
  mlx_vector_array_free(in);
  mlx_array_free(part);
  finish_vector(out);
}
static void compiled(void) {
  static mlx_closure f;
  mlx_vector_array out = mlx_vector_array_new();
  if (!f.ctx) mlx_compile(&f, function_deep(), false);
  mlx_closure_apply(&out, f, two_tiny());
  finish_vector(out);
}
static void imported(void) {
  static mlx_imported_function f;
  mlx_vector_array out = mlx_vector_array_new();
  if (!f.ctx) {
    const char* file = file_named("function");
    mlx_export_function(file, function_deep(), two_tiny(), false);
    f = mlx_imported_function_new(file);
    unlink(file);
  }
  mlx_imported_function_apply(&out, f, two_tiny());
  finish_vector(out);
}

#endif
