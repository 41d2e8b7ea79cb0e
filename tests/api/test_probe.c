/* What a watcher hears of the edge: every way to a value is a trigger of its
 * own, and the last handle on an array says that it goes. */
#include <stdatomic.h>

#include "lazuli/probe.h"
#include "support.h"

static int evals, triggers[16], asynchronous;
static uint64_t released[64];
static uint8_t released_evaluated[64];
static int n_released, n_nodes;
static uint64_t last_node;

static void on_eval(void* user, const lazuli_probe_eval_begin* e) {
  (void)user;
  evals++;
  triggers[e->trigger]++;
  asynchronous += e->is_async;
}
static void on_release(void* user, const lazuli_probe_release* e) {
  (void)user;
  if (n_released == 64) return;
  released_evaluated[n_released] = e->evaluated;
  released[n_released++] = e->array;
}
static void on_node(void* user, const lazuli_probe_node* e) {
  (void)user;
  n_nodes++;
  last_node = e->outputs[0].id;
}

static const lazuli_probe probe = {
    .version = LAZULI_PROBE_VERSION,
    .size = sizeof probe,
    .node = on_node,
    .eval_begin = on_eval,
    .release = on_release};

static int watch(void** state) {
  errors_catch(state);
  evals = asynchronous = n_released = n_nodes = 0;
  memset(triggers, 0, sizeof triggers);
  return lazuli_probe_attach(&probe);
}
static int look_away(void** state) {
  (void)state;
  return lazuli_probe_attach(NULL);
}

/* A new node over one element. */
static mlx_array pending(mlx_stream s) {
  mlx_array a = mlx_array_new_float(2), out = mlx_array_new();
  assert_int_equal(mlx_exp(&out, a, s), 0);
  mlx_array_free(a);
  return out;
}

static void triggers_are_told_apart(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  float value;
  mlx_array a = pending(s);
  assert_int_equal(evals, 0); /* nothing is computed until it is asked for */
  assert_fine(mlx_array_item_float32(&value, a));
  assert_fine(mlx_array_item_float32(&value, a)); /* it is there already */
  mlx_array_free(a);
  assert_int_equal(triggers[LAZULI_TRIGGER_ITEM], 1);

  a = pending(s);
  assert_non_null(mlx_array_data_float32(a));
  mlx_array_free(a);
  assert_int_equal(triggers[LAZULI_TRIGGER_DATA], 1);

  a = pending(s);
  free(text_of(a));
  mlx_array_free(a);
  assert_int_equal(triggers[LAZULI_TRIGGER_PRINT], 1);

  a = pending(s);
  assert_fine(mlx_array_eval(a));
  mlx_array_free(a);
  a = pending(s);
  mlx_vector_array v = mlx_vector_array_new_value(a);
  assert_fine(mlx_eval(v));
  mlx_array_free(a);
  mlx_vector_array_free(v);
  assert_int_equal(triggers[LAZULI_TRIGGER_EVAL], 2);
  assert_int_equal(asynchronous, 0);

  a = pending(s);
  v = mlx_vector_array_new_value(a);
  assert_fine(mlx_async_eval(v));
  assert_int_equal(triggers[LAZULI_TRIGGER_ASYNC_EVAL], 1);
  assert_int_equal(asynchronous, 1);
  assert_fine(_mlx_array_wait(a));
  bool is = false;
  assert_fine(_mlx_array_is_available(&is, a));
  assert_true(is);
  mlx_array_free(a);
  mlx_vector_array_free(v);
  assert_int_equal(evals, 6);
  mlx_stream_free(s);
}

static bool was_released(uint64_t id, bool evaluated) {
  for (int i = 0; i < n_released; i++)
    if (released[i] == id) return released_evaluated[i] == evaluated;
  return false;
}

static void the_last_handle(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = pending(s), b = mlx_array_new();
  uint64_t id = last_node;
  mlx_array_set(&b, a);
  mlx_array_free(a);
  assert_false(was_released(id, false));
  mlx_array_free(b);
  assert_true(was_released(id, false)); /* built, and never computed */

  /* A vector holds; so does a map; overwriting lets go. */
  a = pending(s);
  id = last_node;
  mlx_array_eval(a);
  mlx_vector_array v = mlx_vector_array_new_value(a);
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  mlx_map_string_to_array_insert(m, "k", a);
  mlx_array_set_int(&a, 1);
  assert_false(was_released(id, true));
  mlx_vector_array_free(v);
  assert_false(was_released(id, true));
  mlx_map_string_to_array_free(m);
  assert_true(was_released(id, true));
  mlx_array_free(a);

  /* An input that only the graph keeps is released all the same. */
  a = pending(s);
  id = last_node;
  b = mlx_array_new();
  mlx_exp(&b, a, s);
  mlx_array_free(a);
  assert_true(was_released(id, false));
  mlx_array_free(b);
  mlx_stream_free(s);
}

static int identity(mlx_vector_array* res, const mlx_vector_array in) {
  return mlx_vector_array_set(res, in);
}

/* What the library makes for a callback is not taken for the program's. */
static void closures_balance(void** state) {
  (void)state;
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = pending(s);
  uint64_t id = last_node;
  mlx_vector_array in = mlx_vector_array_new_value(a), out = {0};
  mlx_closure f = mlx_closure_new_func(identity);
  assert_fine(mlx_closure_apply(&out, f, in));
  mlx_closure_free(f);
  mlx_vector_array_free(in);
  mlx_array_free(a);
  assert_false(was_released(id, false));
  mlx_vector_array_free(out);
  assert_true(was_released(id, false));
  mlx_stream_free(s);
}

/* Handles from before the probe are not counted, and never said to go. */
static void held_before(void** state) {
  look_away(state);
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_array a = pending(s), b = mlx_array_new();
  mlx_array_set(&b, a);
  lazuli_probe_attach(&probe);
  mlx_array_free(a);
  mlx_array_free(b);
  assert_int_equal(n_released, 0);
  mlx_stream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(
          triggers_are_told_apart, watch, look_away),
      cmocka_unit_test_setup_teardown(the_last_handle, watch, look_away),
      cmocka_unit_test_setup_teardown(closures_balance, watch, look_away),
      cmocka_unit_test_setup_teardown(held_before, watch, look_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
