/* Graphs through the interface: laziness, layouts, aliasing, pictures. */
#include <stdio.h>

#include "support.h"

static mlx_array matrix(void) {
  float data[] = {1, 2, 3, 4, 5, 6};
  int shape[] = {2, 3};
  return mlx_array_new_data(data, shape, 2, MLX_FLOAT32);
}

static void strides_change_at_eval(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = matrix(), t = mlx_array_new();
  assert_fine(mlx_transpose(&t, a, s));
  assert_int_equal(mlx_array_dim(t, 0), 3);
  assert_int_equal(mlx_array_strides(t)[0], 2);
  assert_int_equal(mlx_array_strides(t)[1], 1);
  bool is = true;
  assert_fine(_mlx_array_is_available(&is, t));
  assert_false(is);
  const int* shape = mlx_array_shape(t);
  assert_fine(mlx_array_eval(t));
  assert_ptr_equal(mlx_array_shape(t), shape);
  assert_int_equal(mlx_array_strides(t)[0], 1);
  assert_int_equal(mlx_array_strides(t)[1], 3);
  /* The raw buffer, in its own order; text goes by strides. */
  assert_true(mlx_array_data_float32(t)[1] == 2);
  char* text = text_of(t);
  assert_string_equal(
      text, "array([[1, 4],\n       [2, 5],\n       [3, 6]], dtype=float32)");
  free(text);
  assert_fine(_mlx_array_is_col_contiguous(&is, t));
  assert_true(is);
  assert_fine(_mlx_array_is_row_contiguous(&is, t));
  assert_false(is);
  mlx_array_free(a);
  mlx_array_free(t);
  mlx_stream_free(s);
}

static void handles_share_what_is_computed(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = matrix(), b = mlx_array_new(), c = mlx_array_new();
  assert_fine(mlx_exp(&b, a, s));
  assert_fine(mlx_array_set(&c, b));
  assert_fine(mlx_array_eval(c));
  bool is = false;
  assert_fine(_mlx_array_is_available(&is, b));
  assert_true(is);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  mlx_stream_free(s);
}

/* One kernel computes all three; what it does not write is there nonetheless.
 */
static void what_was_passed_through_is_available(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = matrix(), b = mlx_array_new(), c = mlx_array_new();
  mlx_array other = mlx_array_new();
  assert_fine(mlx_exp(&b, a, s));
  assert_fine(mlx_square(&c, b, s));
  assert_fine(mlx_sin(&other, b, s));
  assert_fine(mlx_array_eval(c));
  bool is = false;
  assert_fine(_mlx_array_is_available(&is, b));
  assert_true(is);
  assert_true(mlx_array_data_float32(b)[0] > 2.7f);
  assert_fine(_mlx_array_is_available(&is, b));
  assert_true(is);
  assert_fine(_mlx_array_is_available(&is, other));
  assert_false(is);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  mlx_array_free(other);
  mlx_stream_free(s);
}

static void outputs_alias_inputs(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = mlx_array_new_float(3);
  void* ctx = a.ctx;
  assert_fine(mlx_add(&a, a, a, s));
  assert_fine(mlx_multiply(&a, a, a, s));
  assert_ptr_equal(a.ctx, ctx);
  float value = 0;
  assert_fine(mlx_array_item_float32(&value, a));
  assert_true(value == 36);
  /* A failure leaves it as it was. */
  mlx_array big = floats(4), odd = floats(3);
  assert_error(mlx_add(&odd, odd, big, s), "[add]");
  assert_int_equal(mlx_array_size(odd), 3);
  assert_error(mlx_add(&odd, odd, mlx_array_new(), s), "[add] argument b");
  assert_error(mlx_add(&odd, odd, odd, mlx_stream_new()), "[add] argument s");
  assert_int_equal(mlx_array_size(odd), 3);
  mlx_array none = mlx_array_new();
  assert_error(mlx_add(&none, odd, big, s), "(3");
  assert_null(none.ctx);
  mlx_array_free(a);
  mlx_array_free(big);
  mlx_array_free(odd);
  mlx_stream_free(s);
}

/* A long chain is built, computed and dropped without recursion. */
static void long_chains(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  enum { LINKS = 300000 };
  for (int computed = 0; computed < 2; computed++) {
    mlx_array a = mlx_array_new_int(0), one = mlx_array_new_int(1);
    for (int i = 0; i < LINKS; i++)
      if (mlx_add(&a, a, one, s)) fail();
    if (computed) {
      int32_t value = 0;
      assert_fine(mlx_array_item_int32(&value, a));
      assert_int_equal(value, LINKS);
    }
    mlx_array_free(a);
    mlx_array_free(one);
  }
  mlx_stream_free(s);
}

static void pictures(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = matrix(), b = mlx_array_new(), c = mlx_array_new();
  assert_fine(mlx_add(&b, a, a, s));
  assert_fine(mlx_exp(&c, b, s));
  mlx_node_namer n = mlx_node_namer_new();
  mlx_node_namer_set_name(n, a, "x");
  mlx_node_namer_set_name(n, c, "say \"y\"");
  mlx_vector_array v = mlx_vector_array_new_value(c);
  char text[1024] = "";
  FILE* f = fmemopen(text, sizeof text, "w");
  assert_fine(mlx_print_graph(f, n, v));
  fclose(f);
  assert_string_equal(
      text,
      "Inputs: x [(2,3), float32]\n"
      "Outputs: say \"y\" [(2,3), float32]\n"
      "Add x [(2,3), float32], x [(2,3), float32] -> C [(2,3), float32]\n"
      "Exp C [(2,3), float32] -> say \"y\" [(2,3), float32]\n");
  f = fmemopen(text, sizeof text, "w");
  assert_fine(mlx_export_to_dot(f, n, v));
  fclose(f);
  assert_non_null(strstr(text, "{ rank=source; \"x\"; }"));
  assert_non_null(strstr(text, "[label =\"Add\", shape=rectangle]"));
  assert_non_null(strstr(text, "{ rank=sink; \"say \\\"y\\\"\"; }"));
  /* After evaluation it is an input like any. */
  assert_fine(mlx_array_eval(c));
  f = fmemopen(text, sizeof text, "w");
  assert_fine(mlx_print_graph(f, n, v));
  fclose(f);
  assert_non_null(strstr(text, "Inputs: say"));
  mlx_vector_array_free(v);
  mlx_node_namer_free(n);
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  mlx_stream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strides_change_at_eval),
      cmocka_unit_test(handles_share_what_is_computed),
      cmocka_unit_test(what_was_passed_through_is_available),
      cmocka_unit_test(outputs_alias_inputs),
      cmocka_unit_test(long_chains),
      cmocka_unit_test(pictures),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
