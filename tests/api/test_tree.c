/* Trees of arrays, and weakly typed scalars. */
#include "lazuli/scalar.h"
#include "lazuli/tree.h"
#include "support.h"

static lazuli_tree* leaf(int n) {
  mlx_array a = floats(n);
  lazuli_tree* t = lazuli_tree_new_array(a);
  mlx_array_free(a);
  return t;
}

/* {weight: 2, layers: [{w: 3}, 4], empty: {}} by number of elements */
static lazuli_tree* model(void) {
  lazuli_tree *t = lazuli_tree_new_map(), *list = lazuli_tree_new_list();
  lazuli_tree* layer = lazuli_tree_new_map();
  assert_fine(lazuli_tree_set(layer, "w", leaf(3)));
  assert_fine(lazuli_tree_append(list, layer));
  assert_fine(lazuli_tree_append(list, leaf(4)));
  assert_fine(lazuli_tree_set(t, "weight", leaf(2)));
  assert_fine(lazuli_tree_set(t, "layers", list));
  assert_fine(lazuli_tree_set(t, "empty", lazuli_tree_new_map()));
  return t;
}

static size_t elements(const lazuli_tree* t, const char* path) {
  mlx_array a = mlx_array_new();
  assert_fine(lazuli_tree_get(&a, lazuli_tree_find(t, path)));
  size_t n = mlx_array_size(a);
  mlx_array_free(a);
  return n;
}

static void look(void** state) {
  (void)state;
  lazuli_tree* t = model();
  assert_int_equal(lazuli_tree_size(t), 3);
  assert_int_equal(elements(t, "layers.0.w"), 3);
  assert_int_equal(elements(t, "layers.1"), 4);
  assert_null(lazuli_tree_find(t, "layers.2"));
  assert_null(lazuli_tree_find(t, "layers.0.nothing"));
  assert_null(lazuli_tree_find(t, "weight.deeper"));
  assert_ptr_equal(lazuli_tree_find(t, ""), t);
  assert_string_equal(lazuli_tree_key(t, 1), "layers");
  assert_int_equal(
      lazuli_tree_kind_of(lazuli_tree_child(t, 1)), LAZULI_TREE_LIST);
  /* In the old one's place. */
  assert_fine(lazuli_tree_set(t, "weight", leaf(9)));
  assert_string_equal(lazuli_tree_key(t, 0), "weight");
  assert_int_equal(elements(t, "weight"), 9);
  mlx_array a = mlx_array_new();
  assert_error(lazuli_tree_get(&a, t), "it is no array");
  assert_error(lazuli_tree_set(t, "a.b", leaf(1)), "\"a.b\"");
  assert_error(lazuli_tree_append(t, leaf(1)), "it is no list");
  assert_error(lazuli_tree_append(t, NULL), "child");
  assert_null(lazuli_tree_new_array(a));
  errors_take(1, "argument a");
  lazuli_tree_free(t);
  lazuli_tree_free(NULL);
}

static void flat(void** state) {
  (void)state;
  lazuli_tree* t = model();
  mlx_vector_string keys = {0};
  mlx_vector_array arrays = {0};
  assert_fine(lazuli_tree_flatten(t, &keys, &arrays));
  const char* want[] = {"weight", "layers.0.w", "layers.1"};
  assert_int_equal(mlx_vector_string_size(keys), 3);
  assert_int_equal(mlx_vector_array_size(arrays), 3);
  for (size_t i = 0; i < 3; i++) {
    char* key;
    assert_fine(mlx_vector_string_get(&key, keys, i));
    assert_string_equal(key, want[i]);
  }
  lazuli_tree* again = lazuli_tree_unflatten(keys, arrays);
  assert_non_null(again);
  assert_int_equal(lazuli_tree_size(again), 2); /* empty ones are lost */
  assert_int_equal(elements(again, "layers.0.w"), 3);
  assert_int_equal(elements(again, "layers.1"), 4);
  assert_int_equal(
      lazuli_tree_kind_of(lazuli_tree_find(again, "layers")), LAZULI_TREE_LIST);
  lazuli_tree_free(again);

  assert_fine(mlx_vector_string_append_value(keys, "layers.1"));
  assert_null(lazuli_tree_unflatten(keys, arrays));
  errors_take(1, "4 keys for 3 arrays");
  mlx_array a = floats(1);
  assert_fine(mlx_vector_array_append_value(arrays, a));
  assert_null(lazuli_tree_unflatten(keys, arrays));
  errors_take(1, "two arrays");
  /* Backwards, and with a gap. */
  const char* names[] = {"3.x", "1", "0.0"};
  mlx_vector_string_set_data(&keys, names, 3);
  mlx_vector_array_set_data(&arrays, (mlx_array[]){a, a, a}, 3);
  again = lazuli_tree_unflatten(keys, arrays);
  assert_non_null(again);
  assert_int_equal(lazuli_tree_size(again), 4);
  assert_int_equal(elements(again, "0.0"), 1);
  lazuli_tree_free(again);
  const char* bad[] = {"0", "x", "y"};
  mlx_vector_string_set_data(&keys, bad, 3);
  assert_null(lazuli_tree_unflatten(keys, arrays));
  errors_take(1, "\"x\"");

  /* A tree that is a leaf. */
  lazuli_tree* one = leaf(5);
  assert_fine(lazuli_tree_flatten(one, &keys, &arrays));
  char* key;
  assert_fine(mlx_vector_string_get(&key, keys, 0));
  assert_string_equal(key, "");
  again = lazuli_tree_unflatten(keys, arrays);
  assert_int_equal(elements(again, ""), 5);
  lazuli_tree_free(again);
  lazuli_tree_free(one);
  mlx_array_free(a);
  mlx_vector_string_free(keys);
  mlx_vector_array_free(arrays);
  lazuli_tree_free(t);
}

static int doubled(mlx_array* res, const mlx_array a, void* payload) {
  mlx_stream s = mlx_default_cpu_stream_new();
  int* calls = payload;
  int failed = ++*calls > 10 ? 1 : mlx_add(res, a, a, s);
  mlx_stream_free(s);
  return failed;
}

static void others(void** state) {
  (void)state;
  lazuli_tree* t = model();
  int calls = 0;
  lazuli_tree* twice = lazuli_tree_map(t, doubled, &calls);
  assert_non_null(twice);
  assert_int_equal(calls, 3);
  assert_int_equal(lazuli_tree_size(twice), 3);
  mlx_array a = mlx_array_new();
  assert_fine(lazuli_tree_get(&a, lazuli_tree_find(twice, "layers.1")));
  assert_fine(mlx_array_eval(a));
  assert_float_equal(mlx_array_data_float32(a)[3], 8, 0);
  calls = 9;
  assert_null(lazuli_tree_map(t, doubled, &calls));
  errors_take(1, "[tree_map]");

  mlx_vector_array arrays = {0};
  assert_fine(lazuli_tree_flatten(twice, NULL, &arrays));
  lazuli_tree* moved = lazuli_tree_with_leaves(t, arrays);
  assert_non_null(moved);
  assert_int_equal(elements(moved, "layers.0.w"), 3);
  assert_fine(mlx_vector_array_append_value(arrays, a));
  assert_null(lazuli_tree_with_leaves(t, arrays));
  errors_take(1, "4 arrays for 3 leaves");
  mlx_vector_array_set_value(&arrays, a);
  assert_null(lazuli_tree_with_leaves(t, arrays));
  errors_take(1, "fewer");
  mlx_vector_array_free(arrays);
  mlx_array_free(a);
  lazuli_tree_free(moved);
  lazuli_tree_free(twice);
  lazuli_tree_free(t);
}

static void scalars(void** state) {
  (void)state;
  /* What Python's MLX gives for array + scalar, by array: True, 3, 2.5. */
  static const mlx_dtype want[][4] = {
      {MLX_BOOL, MLX_BOOL, MLX_INT32, MLX_FLOAT32},
      {MLX_UINT8, MLX_UINT8, MLX_UINT8, MLX_FLOAT32},
      {MLX_INT16, MLX_INT16, MLX_INT16, MLX_FLOAT32},
      {MLX_UINT32, MLX_UINT32, MLX_UINT32, MLX_FLOAT32},
      {MLX_INT64, MLX_INT64, MLX_INT64, MLX_FLOAT32},
      {MLX_FLOAT16, MLX_FLOAT16, MLX_FLOAT16, MLX_FLOAT16},
      {MLX_BFLOAT16, MLX_BFLOAT16, MLX_BFLOAT16, MLX_BFLOAT16},
      {MLX_FLOAT32, MLX_FLOAT32, MLX_FLOAT32, MLX_FLOAT32},
      {MLX_COMPLEX64, MLX_COMPLEX64, MLX_COMPLEX64, MLX_COMPLEX64}};
  mlx_stream s = mlx_default_cpu_stream_new();
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    mlx_array like = mlx_array_new(), v[3] = {{0}, {0}, {0}};
    int shape[] = {2};
    assert_fine(mlx_ones(&like, shape, 1, want[i][0], s));
    assert_fine(lazuli_scalar_bool(&v[0], true, like));
    assert_fine(lazuli_scalar_int(&v[1], 3, like));
    assert_fine(lazuli_scalar_float(&v[2], 2.5, like));
    for (int k = 0; k < 3; k++) {
      mlx_array sum = mlx_array_new();
      assert_int_equal(mlx_array_ndim(v[k]), 0);
      assert_fine(mlx_add(&sum, like, v[k], s));
      assert_int_equal(mlx_array_dtype(sum), want[i][k + 1]);
      mlx_array_free(sum);
      mlx_array_free(v[k]);
    }
    mlx_array_free(like);
  }
  mlx_array big = mlx_array_new(), like = mlx_array_new();
  assert_fine(mlx_ones(&like, NULL, 0, MLX_INT64, s));
  assert_fine(lazuli_scalar_int(&big, INT64_MAX, like));
  int64_t value = 0;
  assert_fine(mlx_array_item_int64(&value, big));
  assert_true(value == INT64_MAX);
  assert_fine(mlx_ones(&like, NULL, 0, MLX_INT8, s));
  assert_fine(lazuli_scalar_int(&big, -3, like));
  int8_t small = 0;
  assert_fine(mlx_array_item_int8(&small, big));
  assert_int_equal(small, -3);
  assert_error(lazuli_scalar_int(&big, 1, mlx_array_new()), "argument like");
  mlx_array_free(big);
  mlx_array_free(like);
  mlx_stream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(look),
      cmocka_unit_test(flat),
      cmocka_unit_test(others),
      cmocka_unit_test(scalars)};
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
