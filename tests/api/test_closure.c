/* Closures of all six kinds: results, failures, who owns what. */
#include "support.h"

typedef struct payload {
  int calls;
  int dtors;
} payload;

static void payload_drop(void* p) {
  ((payload*)p)->dtors++;
}

/* ---- functions of the program -------------------------------------------- */

static int identity(mlx_vector_array* res, const mlx_vector_array in) {
  assert_null(res->ctx);
  return mlx_vector_array_set(res, in);
}

static int identity_p(
    mlx_vector_array* res, const mlx_vector_array in, void* p) {
  ((payload*)p)->calls++;
  return identity(res, in);
}

static int leaves_nothing(mlx_vector_array* res, const mlx_vector_array in) {
  (void)res, (void)in;
  return 0;
}

static int refuses(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_vector_array_set(res, in); /* freed by the library all the same */
  return 42;
}

static int fails_inside(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array a = mlx_array_new();
  int status = mlx_vector_array_get(&a, in, 1000);
  mlx_array_free(a);
  (void)res;
  return status;
}

/* What it does to its input, which is the library's, is seen nowhere. */
static int appends_to_input(mlx_vector_array* res, const mlx_vector_array in) {
  mlx_array a = floats(9);
  mlx_vector_array_append_value(in, a);
  mlx_array_free(a);
  return mlx_vector_array_set(res, in);
}

static int first(mlx_array* res, const mlx_array in) {
  assert_null(res->ctx);
  return mlx_array_set(res, in);
}

static int first_nothing(mlx_array* res, const mlx_array in) {
  (void)res, (void)in;
  return 0;
}

/* ---- tests --------------------------------------------------------------- */

static mlx_vector_array numbers(int n) {
  mlx_vector_array v = mlx_vector_array_new();
  for (int i = 1; i <= n; i++) {
    mlx_array a = floats(i);
    mlx_vector_array_append_value(v, a);
    mlx_array_free(a);
  }
  return v;
}

static size_t size_at(mlx_vector_array v, size_t i) {
  mlx_array a = mlx_array_new();
  assert_int_equal(mlx_vector_array_get(&a, v, i), 0);
  size_t size = mlx_array_size(a);
  mlx_array_free(a);
  return size;
}

static void apply(void** state) {
  (void)state;
  mlx_closure f = mlx_closure_new_func(identity);
  mlx_vector_array in = numbers(2), out = mlx_vector_array_new();
  void* ctx = out.ctx;
  assert_fine(mlx_closure_apply(&out, f, in));
  assert_ptr_equal(out.ctx, ctx);
  assert_int_equal(mlx_vector_array_size(out), 2);
  assert_int_equal(size_at(out, 1), 2);

  mlx_vector_array none = mlx_vector_array_new();
  assert_fine(mlx_closure_apply(&out, f, none));
  assert_int_equal(mlx_vector_array_size(out), 0);
  assert_fine(mlx_closure_apply(&in, f, in)); /* output aliases input */
  assert_int_equal(mlx_vector_array_size(in), 2);

  mlx_closure g = mlx_closure_new_func(appends_to_input);
  assert_fine(mlx_closure_apply(&out, g, in));
  assert_int_equal(mlx_vector_array_size(out), 3);
  assert_int_equal(mlx_vector_array_size(in), 2);

  assert_error(mlx_closure_apply(&out, mlx_closure_new(), in), "closure");
  assert_error(mlx_closure_apply(&out, f, (mlx_vector_array){0}), "input");
  assert_null(mlx_closure_new_func(NULL).ctx);
  errors_take(1, "argument fun");
  mlx_closure_free(f);
  mlx_closure_free(g);
  assert_fine(mlx_closure_free(mlx_closure_new()));
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
  mlx_vector_array_free(none);
}

static void failures(void** state) {
  (void)state;
  mlx_vector_array in = numbers(1), out = numbers(3);
  mlx_closure f = mlx_closure_new_func(leaves_nothing);
  assert_error(mlx_closure_apply(&out, f, in), "no result");
  mlx_closure_free(f);
  f = mlx_closure_new_func(refuses);
  assert_error(mlx_closure_apply(&out, f, in), "returned 42");
  mlx_closure_free(f);
  /* The operation that failed reports, then the call that failed for it. */
  f = mlx_closure_new_func(fails_inside);
  assert_int_equal(mlx_closure_apply(&out, f, in), 1);
  errors_take(2, "returned 1");
  mlx_closure_free(f);
  assert_int_equal(mlx_vector_array_size(out), 3); /* untouched */
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
}

static void unary(void** state) {
  (void)state;
  mlx_vector_array in = numbers(2), out = {0};
  mlx_closure f = mlx_closure_new_unary(first);
  assert_error(mlx_closure_apply(&out, f, in), "2 arrays");
  assert_null(out.ctx);
  mlx_vector_array one = numbers(1);
  assert_fine(mlx_closure_apply(&out, f, one));
  assert_int_equal(mlx_vector_array_size(out), 1);
  mlx_closure g = mlx_closure_new_unary(first_nothing);
  assert_error(mlx_closure_apply(&out, g, one), "no result");
  mlx_closure_free(f);
  mlx_closure_free(g);
  mlx_vector_array_free(in);
  mlx_vector_array_free(one);
  mlx_vector_array_free(out);
}

static void payload_runs_out_once(void** state) {
  (void)state;
  payload p = {0, 0};
  mlx_closure f = mlx_closure_new_func_payload(identity_p, &p, payload_drop);
  mlx_closure g = mlx_closure_new();
  assert_fine(mlx_closure_set(&g, f));
  mlx_closure_free(f);
  assert_int_equal(p.dtors, 0);
  mlx_vector_array in = numbers(1), out = {0};
  assert_fine(mlx_closure_apply(&out, g, in));
  assert_int_equal(p.calls, 1);
  payload q = {0, 0};
  mlx_closure h = mlx_closure_new_func_payload(identity_p, &q, payload_drop);
  void* ctx = g.ctx;
  assert_fine(mlx_closure_set(&g, h));
  assert_ptr_equal(g.ctx, ctx);
  assert_int_equal(p.dtors, 1);
  assert_fine(mlx_closure_set(&g, g));
  mlx_closure_free(h);
  assert_int_equal(q.dtors, 0);
  mlx_closure_free(g);
  assert_int_equal(q.dtors, 1);
  assert_error(mlx_closure_set(&g, mlx_closure_new()), "src");

  /* Without a destructor the payload still arrives. */
  payload r = {0, 0};
  f = mlx_closure_new_func_payload(identity_p, &r, NULL);
  assert_fine(mlx_closure_apply(&out, f, in));
  assert_int_equal(r.calls, 1);
  mlx_closure_free(f);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
}

/* A closure that frees its own handle while it runs. */
static mlx_closure own;
static int frees_itself(
    mlx_vector_array* res, const mlx_vector_array in, void* p) {
  mlx_closure_free(own);
  assert_int_equal(((payload*)p)->dtors, 0);
  return identity(res, in);
}

static void freed_while_it_runs(void** state) {
  (void)state;
  payload p = {0, 0};
  own = mlx_closure_new_func_payload(frees_itself, &p, payload_drop);
  mlx_vector_array in = numbers(1), out = {0};
  assert_fine(mlx_closure_apply(&out, own, in));
  assert_int_equal(p.dtors, 1);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
}

/* ---- the other kinds ----------------------------------------------------- */

static int kwargs(
    mlx_vector_array* res,
    const mlx_vector_array in,
    const mlx_map_string_to_array map) {
  mlx_array a = mlx_array_new();
  if (mlx_map_string_to_array_get(&a, map, "scale")) return 1;
  int status =
      mlx_vector_array_set(res, in) || mlx_vector_array_append_value(*res, a);
  mlx_array_free(a);
  return status;
}
static int kwargs_p(
    mlx_vector_array* res,
    const mlx_vector_array in,
    const mlx_map_string_to_array map,
    void* p) {
  ((payload*)p)->calls++;
  return kwargs(res, in, map);
}

static void closure_kwargs(void** state) {
  (void)state;
  payload p = {0, 0};
  mlx_closure_kwargs f = mlx_closure_kwargs_new_func(kwargs);
  mlx_closure_kwargs g =
      mlx_closure_kwargs_new_func_payload(kwargs_p, &p, payload_drop);
  mlx_map_string_to_array map = mlx_map_string_to_array_new();
  mlx_array five = floats(5);
  mlx_map_string_to_array_insert(map, "scale", five);
  mlx_vector_array in = numbers(2), out = {0};
  assert_fine(mlx_closure_kwargs_apply(&out, f, in, map));
  assert_int_equal(size_at(out, 2), 5);
  assert_fine(mlx_closure_kwargs_apply(&out, g, in, map));
  assert_int_equal(p.calls, 1);
  assert_error(
      mlx_closure_kwargs_apply(&out, f, in, (mlx_map_string_to_array){0}),
      "input_1");
  assert_fine(mlx_closure_kwargs_set(&f, g));
  mlx_closure_kwargs_free(f);
  mlx_closure_kwargs_free(g);
  assert_int_equal(p.dtors, 1);
  assert_null(mlx_closure_kwargs_new().ctx);
  mlx_map_string_to_array_free(map);
  mlx_array_free(five);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
}

static int value_and_grad(
    mlx_vector_array* values,
    mlx_vector_array* grads,
    const mlx_vector_array in) {
  mlx_array a = floats(7);
  int status =
      mlx_vector_array_set_value(values, a) || mlx_vector_array_set(grads, in);
  mlx_array_free(a);
  return status;
}
static int value_and_grad_p(
    mlx_vector_array* values,
    mlx_vector_array* grads,
    const mlx_vector_array in,
    void* p) {
  ((payload*)p)->calls++;
  return value_and_grad(values, grads, in);
}
static int value_alone(
    mlx_vector_array* values,
    mlx_vector_array* grads,
    const mlx_vector_array in) {
  (void)grads;
  return mlx_vector_array_set(values, in);
}

static void closure_value_and_grad(void** state) {
  (void)state;
  payload p = {0, 0};
  mlx_closure_value_and_grad f =
      mlx_closure_value_and_grad_new_func(value_and_grad);
  mlx_closure_value_and_grad g = mlx_closure_value_and_grad_new_func_payload(
      value_and_grad_p, &p, payload_drop);
  mlx_vector_array in = numbers(2), values = {0}, grads = {0};
  assert_fine(mlx_closure_value_and_grad_apply(&values, &grads, f, in));
  assert_int_equal(size_at(values, 0), 7);
  assert_int_equal(mlx_vector_array_size(grads), 2);
  assert_fine(mlx_closure_value_and_grad_apply(&values, &grads, g, in));
  assert_int_equal(p.calls, 1);
  mlx_closure_value_and_grad h =
      mlx_closure_value_and_grad_new_func(value_alone);
  assert_error(
      mlx_closure_value_and_grad_apply(&values, &grads, h, in), "no result");
  assert_int_equal(size_at(values, 0), 7);
  assert_fine(mlx_closure_value_and_grad_set(&h, g));
  mlx_closure_value_and_grad_free(f);
  mlx_closure_value_and_grad_free(g);
  assert_int_equal(p.dtors, 0);
  mlx_closure_value_and_grad_free(h);
  assert_int_equal(p.dtors, 1);
  assert_null(mlx_closure_value_and_grad_new().ctx);
  mlx_vector_array_free(in);
  mlx_vector_array_free(values);
  mlx_vector_array_free(grads);
}

static int custom(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents,
    const mlx_vector_array outputs) {
  return mlx_vector_array_size(primals) == 1 &&
                 mlx_vector_array_size(cotangents) == 2 &&
                 mlx_vector_array_size(outputs) == 3
             ? mlx_vector_array_set(res, cotangents)
             : 1;
}
static int custom_p(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array cotangents,
    const mlx_vector_array outputs,
    void* p) {
  ((payload*)p)->calls++;
  return custom(res, primals, cotangents, outputs);
}

static int custom_jvp(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array tangents,
    const int* argnums,
    size_t n) {
  return mlx_vector_array_size(primals) == 1 && n == 2 && argnums[1] == 11
             ? mlx_vector_array_set(res, tangents)
             : 1;
}
static int custom_jvp_p(
    mlx_vector_array* res,
    const mlx_vector_array primals,
    const mlx_vector_array tangents,
    const int* argnums,
    size_t n,
    void* p) {
  ((payload*)p)->calls++;
  return custom_jvp(res, primals, tangents, argnums, n);
}

static int custom_vmap(
    mlx_vector_array* res,
    mlx_vector_int* out_axes,
    const mlx_vector_array in,
    const int* axes,
    size_t n) {
  return mlx_vector_array_set(res, in) ||
         mlx_vector_int_set_data(out_axes, (int*)axes, n);
}
static int custom_vmap_p(
    mlx_vector_array* res,
    mlx_vector_int* out_axes,
    const mlx_vector_array in,
    const int* axes,
    size_t n,
    void* p) {
  ((payload*)p)->calls++;
  return custom_vmap(res, out_axes, in, axes, n);
}

static void closures_custom(void** state) {
  (void)state;
  payload p = {0, 0};
  mlx_vector_array one = numbers(1), two = numbers(2), three = numbers(3);
  mlx_vector_array out = {0};

  mlx_closure_custom f = mlx_closure_custom_new_func(custom);
  assert_fine(mlx_closure_custom_apply(&out, f, one, two, three));
  assert_int_equal(mlx_vector_array_size(out), 2);
  assert_error(
      mlx_closure_custom_apply(&out, f, two, two, three), "returned 1");
  mlx_closure_custom g =
      mlx_closure_custom_new_func_payload(custom_p, &p, payload_drop);
  assert_fine(mlx_closure_custom_set(&f, g));
  mlx_closure_custom_free(g);
  assert_fine(mlx_closure_custom_apply(&out, f, one, two, three));
  assert_int_equal(p.calls, 1);
  mlx_closure_custom_free(f);
  assert_int_equal(p.dtors, 1);
  assert_null(mlx_closure_custom_new().ctx);

  int argnums[] = {10, 11};
  mlx_closure_custom_jvp j = mlx_closure_custom_jvp_new_func(custom_jvp);
  assert_fine(mlx_closure_custom_jvp_apply(&out, j, one, three, argnums, 2));
  assert_int_equal(mlx_vector_array_size(out), 3);
  assert_error(
      mlx_closure_custom_jvp_apply(&out, j, one, three, NULL, 2), "input_2");
  mlx_closure_custom_jvp k =
      mlx_closure_custom_jvp_new_func_payload(custom_jvp_p, &p, payload_drop);
  assert_fine(mlx_closure_custom_jvp_set(&j, k));
  mlx_closure_custom_jvp_free(k);
  assert_fine(mlx_closure_custom_jvp_apply(&out, j, one, two, argnums, 2));
  assert_int_equal(p.calls, 2);
  mlx_closure_custom_jvp_free(j);
  assert_int_equal(p.dtors, 2);
  assert_null(mlx_closure_custom_jvp_new().ctx);

  mlx_vector_int axes = {0};
  mlx_closure_custom_vmap v = mlx_closure_custom_vmap_new_func(custom_vmap);
  assert_fine(mlx_closure_custom_vmap_apply(&out, &axes, v, two, argnums, 2));
  assert_int_equal(mlx_vector_int_size(axes), 2);
  mlx_closure_custom_vmap w =
      mlx_closure_custom_vmap_new_func_payload(custom_vmap_p, &p, payload_drop);
  assert_fine(mlx_closure_custom_vmap_set(&v, w));
  mlx_closure_custom_vmap_free(w);
  assert_fine(mlx_closure_custom_vmap_apply(&out, &axes, v, one, argnums, 1));
  assert_int_equal(mlx_vector_int_size(axes), 1);
  assert_int_equal(p.calls, 3);
  mlx_closure_custom_vmap_free(v);
  assert_int_equal(p.dtors, 3);
  assert_null(mlx_closure_custom_vmap_new().ctx);
  mlx_vector_int_free(axes);
  mlx_vector_array_free(one);
  mlx_vector_array_free(two);
  mlx_vector_array_free(three);
  mlx_vector_array_free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(apply),
      cmocka_unit_test(failures),
      cmocka_unit_test(unary),
      cmocka_unit_test(payload_runs_out_once),
      cmocka_unit_test(freed_while_it_runs),
      cmocka_unit_test(closure_kwargs),
      cmocka_unit_test(closure_value_and_grad),
      cmocka_unit_test(closures_custom),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
