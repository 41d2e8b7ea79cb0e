/* Programs that transform functions. */
#include "program.h"

#define A p->a
#define S p->s

/* mean(tanh(x w) ^ 2), and an argument more is added. */
static int loss(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array x = {0}, w = {0}, y = {0};
  int failed = mlx_vector_array_get(&x, in, 0) ||
               mlx_vector_array_get(&w, in, 1) || mlx_matmul(&y, x, w, s) ||
               mlx_tanh(&y, y, s) || mlx_square(&y, y, s) ||
               mlx_mean(&y, y, false, s) || mlx_vector_array_set_value(res, y);
  mlx_array_free(x);
  mlx_array_free(w);
  mlx_array_free(y);
  mlx_stream_free(s);
  return failed;
}

/* Row by row: softmax(a) * b, sums. */
static int rows(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = {0}, b = {0}, y[2] = {{0}, {0}};
  int failed = mlx_vector_array_get(&a, in, 0) ||
               mlx_vector_array_get(&b, in, 1) ||
               mlx_softmax_axis(&y[0], a, -1, false, s) ||
               mlx_multiply(&y[0], y[0], b, s) ||
               mlx_cumsum(&y[1], y[0], -1, false, true, s) ||
               mlx_vector_array_set_data(res, y, 2);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(y[0]);
  mlx_array_free(y[1]);
  mlx_stream_free(s);
  return failed;
}

static int payload_rows(
    mlx_vector_array* res, const mlx_vector_array in, void* payload) {
  ++*(int*)payload;
  return rows(res, in);
}

/* The cotangents, doubled, are the gradient of the first argument. */
static int doubled(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents,
    const mlx_vector_array outputs) {
  (void)outputs;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array g[2] = {{0}, {0}};
  int failed = mlx_vector_array_get(&g[0], cotangents, 0) ||
               mlx_add(&g[0], g[0], g[0], s) ||
               mlx_vector_array_get(&g[1], primals, 1) ||
               mlx_zeros_like(&g[1], g[1], s) ||
               mlx_vector_array_set_data(res, g, 2);
  mlx_array_free(g[0]);
  mlx_array_free(g[1]);
  mlx_stream_free(s);
  return failed;
}

static void program_arguments(program* p) {
  FILL(0, MLX_FLOAT32, 1, 20, 30);
  FILL(1, MLX_FLOAT32, 1, 30, 10);
  GATHER(0, 0, 1);
}

void program_gradients(program* p) {
  program_arguments(p);
  mlx_closure f = mlx_closure_new_func(loss), checked = {0};
  mlx_closure_value_and_grad g = {0};
  p->failed += !f.ctx;
  DO(mlx_value_and_grad(&g, f, (int[]){0, 1}, 2));
  DO(mlx_closure_value_and_grad_apply(&p->v[1], &p->v[2], g, p->v[0]));
  program_take_all(p, p->v[1]);
  program_take_all(p, p->v[2]);
  DO(mlx_jvp(&p->v[3], &p->v[4], f, p->v[0], p->v[0]));
  program_take_all(p, p->v[4]);
  DO(mlx_checkpoint(&checked, f));
  DO(mlx_array_set_float32(&A[2], 1));
  GATHER(5, 2);
  DO(mlx_vjp(&p->v[6], &p->v[7], checked, p->v[0], p->v[5]));
  program_take_all(p, p->v[7]);
  mlx_closure_value_and_grad_free(g);
  mlx_closure_free(checked);
  mlx_closure_free(f);
}

void program_custom(program* p) {
  program_arguments(p);
  FILL(1, MLX_FLOAT32, 1, 30);
  GATHER(0, 0, 1);
  mlx_closure f = mlx_closure_new_func(rows), own = {0};
  mlx_closure_custom vjp = mlx_closure_custom_new_func(doubled);
  p->failed += !f.ctx + !vjp.ctx;
  DO(mlx_custom_vjp(&own, f, vjp));
  DO(mlx_closure_apply(&p->v[1], own, p->v[0]));
  program_take_all(p, p->v[1]);
  if (p->v[1].ctx && mlx_vector_array_size(p->v[1]) == 2) {
    DO(mlx_vjp(&p->v[2], &p->v[3], own, p->v[0], p->v[1]));
    program_take_all(p, p->v[3]);
  }
  mlx_closure_custom_free(vjp);
  mlx_closure_free(own);
  mlx_closure_free(f);
}

void program_mapped(program* p) {
  program_arguments(p);
  FILL(1, MLX_FLOAT32, 1, 30);
  GATHER(0, 0, 1);
  const int in[] = {0, -1}, out[] = {0, 1};
  mlx_closure f = mlx_closure_new_func(rows);
  p->failed += !f.ctx;
  if (!mlx_detail_vmap_trace(&p->v[1], &p->v[2], f, p->v[0], in, 2)) {
    DO(mlx_detail_vmap_replace(
        &p->v[3], p->v[0], p->v[1], p->v[2], in, 2, out, 2));
    program_take_all(p, p->v[3]);
  } else {
    p->failed++;
  }
  mlx_closure_free(f);
}

void program_compiled(program* p) {
  program_arguments(p);
  FILL(1, MLX_FLOAT32, 1, 30);
  GATHER(0, 0, 1);
  int calls = 0;
  mlx_closure f = mlx_closure_new_func_payload(payload_rows, &calls, NULL);
  mlx_closure fast = {0}, any = {0};
  p->failed += !f.ctx;
  DO(mlx_compile(&fast, f, false));
  for (int i = 1; i <= 2; i++) {
    DO(mlx_closure_apply(&p->v[i], fast, p->v[0]));
    program_take_all(p, p->v[i]);
  }
  FILL(2, MLX_FLOAT32, 1, 11, 30);
  GATHER(3, 2, 1);
  DO(mlx_closure_apply(&p->v[4], fast, p->v[3]));
  program_take_all(p, p->v[4]);
  const uint64_t constants[] = {1, 2};
  DO(mlx_detail_compile(&any, f, 77, true, constants, 2));
  DO(mlx_closure_apply(&p->v[5], any, p->v[0]));
  DO(mlx_closure_apply(&p->v[6], any, p->v[3]));
  program_take_all(p, p->v[5]);
  program_take_all(p, p->v[6]);
  mlx_closure_free(any);
  mlx_closure_free(fast);
  mlx_closure_free(f);
  DO(mlx_detail_compile_erase(77));
  DO(mlx_detail_compile_clear_cache());
}
