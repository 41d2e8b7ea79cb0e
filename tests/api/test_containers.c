/* Strings, vectors and maps. */
#include <stdio.h>

#include "support.h"

static void strings(void** state) {
  (void)state;
  mlx_string s = mlx_string_new();
  assert_null(s.ctx);
  assert_fine(mlx_string_free(s));
  assert_null(mlx_string_data(s));
  errors_take(1, "[string_data] argument str");

  s = mlx_string_new_data("one");
  mlx_string t = mlx_string_new();
  assert_fine(mlx_string_set(&t, s));
  assert_string_equal(mlx_string_data(t), "one");
  void* ctx = t.ctx;
  mlx_string u = mlx_string_new_data("another, longer than the first");
  assert_fine(mlx_string_set(&t, u));
  assert_ptr_equal(t.ctx, ctx);
  assert_string_equal(mlx_string_data(t), "another, longer than the first");
  assert_fine(mlx_string_set(&t, t));
  assert_string_equal(mlx_string_data(t), "another, longer than the first");
  assert_error(mlx_string_set(&t, mlx_string_new()), "argument src");
  assert_string_equal(mlx_string_data(t), "another, longer than the first");
  assert_null(mlx_string_new_data(NULL).ctx);
  errors_take(1, "argument str");
  mlx_string_free(s);
  mlx_string_free(t);
  mlx_string_free(u);
}

static void vector_of_ints(void** state) {
  (void)state;
  mlx_vector_int v = mlx_vector_int_new();
  assert_non_null(v.ctx);
  assert_int_equal(mlx_vector_int_size(v), 0);
  int value = 5;
  assert_error(mlx_vector_int_get(&value, v, 0), "index 0 of a vector of 0");
  assert_int_equal(value, 5);
  for (int i = 0; i < 1000; i++) assert_fine(mlx_vector_int_append_value(v, i));
  assert_fine(mlx_vector_int_append_data(v, (int[]){-1, -2}, 2));
  assert_int_equal(mlx_vector_int_size(v), 1002);
  assert_fine(mlx_vector_int_get(&value, v, 999));
  assert_int_equal(value, 999);
  assert_fine(mlx_vector_int_get(&value, v, 1001));
  assert_int_equal(value, -2);

  mlx_vector_int w = {0};
  assert_error(mlx_vector_int_append_value(w, 1), "argument vec");
  assert_int_equal(mlx_vector_int_size(w), 0);
  errors_take(1, "[vector_int_size]");
  assert_fine(mlx_vector_int_set(&w, v));
  assert_int_equal(mlx_vector_int_size(w), 1002);
  void* ctx = w.ctx;
  assert_fine(mlx_vector_int_set_data(&w, (int[]){4, 5, 6}, 3));
  assert_ptr_equal(w.ctx, ctx);
  assert_int_equal(mlx_vector_int_size(w), 3);
  assert_fine(mlx_vector_int_set_value(&w, 9));
  assert_int_equal(mlx_vector_int_size(w), 1);
  assert_fine(mlx_vector_int_set(&w, w));
  assert_int_equal(mlx_vector_int_size(w), 1);
  assert_error(mlx_vector_int_set_data(&w, NULL, 2), "argument data");
  assert_int_equal(mlx_vector_int_size(w), 1);
  mlx_vector_int x = mlx_vector_int_new_data((int[]){1, 2}, 2);
  assert_int_equal(mlx_vector_int_size(x), 2);
  mlx_vector_int_free(x);
  x = mlx_vector_int_new_value(3);
  assert_int_equal(mlx_vector_int_size(x), 1);
  mlx_vector_int_free(x);
  mlx_vector_int_free(v);
  mlx_vector_int_free(w);
  assert_fine(mlx_vector_int_free((mlx_vector_int){0}));
}

static void vector_of_strings(void** state) {
  (void)state;
  const char* words[] = {"a", "bc", ""};
  mlx_vector_string v = mlx_vector_string_new_data(words, 3);
  char* word;
  assert_fine(mlx_vector_string_get(&word, v, 1));
  assert_string_equal(word, "bc");
  const char* bad[] = {"x", NULL};
  assert_error(mlx_vector_string_append_data(v, bad, 2), "element 1 is empty");
  assert_int_equal(mlx_vector_string_size(v), 3);
  assert_fine(mlx_vector_string_append_value(v, "last"));
  mlx_vector_string w = mlx_vector_string_new_value("only");
  assert_fine(mlx_vector_string_set(&w, v));
  assert_fine(mlx_vector_string_get(&word, w, 3));
  assert_string_equal(word, "last");
  assert_error(mlx_vector_string_get(&word, w, 4), "index 4");
  assert_fine(mlx_vector_string_set_data(&w, words, 2));
  assert_fine(mlx_vector_string_set_value(&w, "z"));
  assert_int_equal(mlx_vector_string_size(w), 1);
  mlx_vector_string_free(v);
  mlx_vector_string_free(w);
}

static void vector_of_arrays(void** state) {
  (void)state;
  mlx_vector_array v = mlx_vector_array_new_data(NULL, 0);
  assert_non_null(v.ctx);
  assert_int_equal(mlx_vector_array_size(v), 0);
  mlx_vector_array_free(v);
  assert_null(mlx_vector_array_new_value(mlx_array_new()).ctx);
  errors_take(1, "argument val");

  mlx_array items[] = {floats(1), floats(2), floats(3)};
  v = mlx_vector_array_new_data(items, 3);
  mlx_array some[] = {items[0], mlx_array_new()};
  assert_null(mlx_vector_array_new_data(some, 2).ctx);
  errors_take(1, "element 1 is empty");
  assert_error(mlx_vector_array_append_data(v, some, 2), "element 1 is empty");
  assert_int_equal(mlx_vector_array_size(v), 3);
  for (int i = 0; i < 3; i++) mlx_array_free(items[i]);

  mlx_array a = mlx_array_new();
  assert_fine(mlx_vector_array_get(&a, v, 2));
  assert_int_equal(mlx_array_size(a), 3);
  void* ctx = a.ctx;
  assert_fine(mlx_vector_array_get(&a, v, 1));
  assert_ptr_equal(a.ctx, ctx);
  assert_int_equal(mlx_array_size(a), 2);
  assert_error(mlx_vector_array_get(&a, v, 3), "index 3 of a vector of 3");
  assert_int_equal(mlx_array_size(a), 2);
  assert_fine(mlx_vector_array_append_value(v, a));
  assert_error(mlx_vector_array_append_value((mlx_vector_array){0}, a), "vec");
  assert_fine(mlx_vector_array_set_value(&v, a));
  assert_int_equal(mlx_vector_array_size(v), 1);
  mlx_vector_array w = {0};
  assert_fine(mlx_vector_array_set_data(&w, &a, 1));
  assert_fine(mlx_vector_array_set(&w, v));
  assert_error(mlx_vector_array_set(&w, (mlx_vector_array){0}), "src");

  mlx_vector_vector_array vv = mlx_vector_vector_array_new();
  assert_fine(mlx_vector_vector_array_append_value(vv, v));
  assert_fine(mlx_vector_vector_array_append_data(vv, &w, 1));
  assert_int_equal(mlx_vector_vector_array_size(vv), 2);
  assert_error(
      mlx_vector_vector_array_append_value(vv, (mlx_vector_array){0}),
      "argument val");
  mlx_vector_array x = mlx_vector_array_new();
  ctx = x.ctx;
  assert_fine(mlx_vector_vector_array_get(&x, vv, 1));
  assert_ptr_equal(x.ctx, ctx);
  assert_int_equal(mlx_vector_array_size(x), 1);
  mlx_vector_vector_array copy = mlx_vector_vector_array_new_value(x);
  assert_fine(mlx_vector_vector_array_set(&copy, vv));
  assert_int_equal(mlx_vector_vector_array_size(copy), 2);
  assert_fine(mlx_vector_vector_array_set_data(&copy, &x, 1));
  assert_fine(mlx_vector_vector_array_set_value(&copy, x));
  mlx_vector_vector_array_free(copy);
  copy = mlx_vector_vector_array_new_data(&x, 1);
  assert_int_equal(mlx_vector_vector_array_size(copy), 1);
  mlx_vector_vector_array_free(copy);
  mlx_vector_vector_array_free(vv);
  mlx_vector_array_free(v);
  mlx_vector_array_free(w);
  mlx_vector_array_free(x);
  mlx_array_free(a);
}

static void maps_of_arrays(void** state) {
  (void)state;
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  assert_non_null(m.ctx);
  mlx_array one = floats(1), two = floats(2), got = mlx_array_new();
  assert_int_equal(mlx_map_string_to_array_get(&got, m, "k"), 2);
  errors_take(0, "");
  assert_null(got.ctx);
  assert_fine(mlx_map_string_to_array_insert(m, "k", one));
  assert_fine(mlx_map_string_to_array_insert(m, "l", one));
  assert_fine(mlx_map_string_to_array_insert(m, "k", two));
  assert_fine(mlx_map_string_to_array_get(&got, m, "k"));
  assert_int_equal(mlx_array_size(got), 2);
  assert_error(
      mlx_map_string_to_array_insert(m, "n", mlx_array_new()),
      "argument value");
  assert_error(mlx_map_string_to_array_insert(m, NULL, one), "argument key");
  assert_error(
      mlx_map_string_to_array_insert((mlx_map_string_to_array){0}, "k", one),
      "argument map");

  mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(m);
  const char* key;
  int seen = 0;
  int status;
  while ((status = mlx_map_string_to_array_iterator_next(&key, &got, it)) == 0)
    seen += strcmp(key, "k") == 0 ? (int)mlx_array_size(got) * 10 : 1;
  assert_int_equal(status, 2);
  assert_int_equal(seen, 21);
  errors_take(0, "");
  assert_int_equal(mlx_map_string_to_array_iterator_next(&key, &got, it), 2);
  mlx_map_string_to_array_iterator_free(it);

  mlx_map_string_to_array copy = {0};
  assert_fine(mlx_map_string_to_array_set(&copy, m));
  assert_fine(mlx_map_string_to_array_free(m));
  assert_fine(mlx_map_string_to_array_get(&got, copy, "l"));
  assert_int_equal(mlx_array_size(got), 1);
  it = mlx_map_string_to_array_iterator_new((mlx_map_string_to_array){0});
  errors_take(1, "argument map");
  assert_null(it.ctx);
  mlx_map_string_to_array_free(copy);
  mlx_array_free(one);
  mlx_array_free(two);
  mlx_array_free(got);
}

static void maps_of_strings(void** state) {
  (void)state;
  mlx_map_string_to_string m = mlx_map_string_to_string_new();
  char key[32], value[32];
  for (int i = 0; i < 2000; i++) {
    snprintf(key, sizeof key, "key %d", i);
    snprintf(value, sizeof value, "value %d", i * 3);
    assert_fine(mlx_map_string_to_string_insert(m, key, value));
  }
  const char* got;
  for (int i = 0; i < 2000; i++) {
    snprintf(key, sizeof key, "key %d", i);
    snprintf(value, sizeof value, "value %d", i * 3);
    assert_fine(mlx_map_string_to_string_get(&got, m, key));
    assert_string_equal(got, value);
  }
  assert_int_equal(mlx_map_string_to_string_get(&got, m, "key 2000"), 2);
  mlx_map_string_to_string copy = mlx_map_string_to_string_new();
  assert_fine(mlx_map_string_to_string_set(&copy, m));
  mlx_map_string_to_string_iterator it =
      mlx_map_string_to_string_iterator_new(copy);
  const char* k;
  int n = 0;
  while (mlx_map_string_to_string_iterator_next(&k, &got, it) == 0) {
    assert_int_equal(atoi(got + 6), 3 * atoi(k + 4));
    n++;
  }
  assert_int_equal(n, 2000);
  mlx_map_string_to_string_iterator_free(it);
  assert_error(mlx_map_string_to_string_insert(m, "k", NULL), "value");
  mlx_map_string_to_string_free(m);
  mlx_map_string_to_string_free(copy);
  assert_fine(mlx_map_string_to_string_free((mlx_map_string_to_string){0}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings),
      cmocka_unit_test(vector_of_ints),
      cmocka_unit_test(vector_of_strings),
      cmocka_unit_test(vector_of_arrays),
      cmocka_unit_test(maps_of_arrays),
      cmocka_unit_test(maps_of_strings),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
