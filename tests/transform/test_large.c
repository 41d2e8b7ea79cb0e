/* Graphs of a million nodes, and nodes of a million inputs: evaluated,
 * differentiated, mapped, compiled and freed on a small stack, in time that
 * grows as they do. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/join.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "stream/stream.h"
#include "transform/compile.h"
#include "transform/vjp.h"
#include "transform/vmap.h"

/* A kernel's own stack is within half a megabyte, too. */
enum { MILLION = 1000000, STACK = 512 * 1024 };
/* A quarter takes a quarter of the time; were the time as the square of the
 * size, it would be a sixteenth. Neighbours make short times jump. */
static const double GROWTH = 8;

static lz_stream* stream(void) {
  return stream_default(DEVICE_CPU);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each returns 0 where all is as it should be. */
typedef int (*job)(int n);

static int value_is(lz_array* a, double value) {
  if (!a || eval_array(a, LAZULI_TRIGGER_EVAL)) return 1;
  double got = array_scalar(a);
  if (got == value) return 0;
  fprintf(stderr, "%.9g, not %.9g\n", got, value);
  return 1;
}

/* x + 1 + 1 …, n times, each freed from the scope at once. */
static lz_array* chain(lz_array* x, int n) {
  lz_array* one = array_new_scalar((lz_dtype)x->dtype, 1);
  lz_array* y = array_ref(x);
  for (int i = 0; i < n && y; i++) {
    size_t scope = scope_open();
    lz_array* next = scope_close(scope, op_add(y, one, stream()));
    array_unref(y);
    y = next;
  }
  array_unref(one);
  return y ? scope_own(y) : NULL;
}

static int chain_eval(int n) {
  return value_is(chain(op_scalar(DTYPE_FLOAT32, 0), n), n);
}

static int chain_free(int n) {
  return !chain(op_scalar(DTYPE_FLOAT32, 0), n);
}

static _Thread_local int length, calls;

static int chain_call(lz_closure* self, closure_args* args) {
  (void)self;
  calls++;
  size_t scope = scope_open();
  lz_array* y = scope_close(scope, chain(args->in[0]->items[0], length));
  int failed = !y || list_append(&args->out[0], y);
  array_unref(y);
  return failed;
}

static int chain_gradient(int n) {
  const int zero = 0;
  length = n;
  lz_closure* f = closure_new(CLOSURE_PLAIN, chain_call, NULL, NULL);
  lz_closure* g = value_and_grad(f, &zero, 1);
  lz_array* x = op_scalar(DTYPE_FLOAT32, 0);
  lz_list in = {&x, 1, 1};
  closure_args args = {.in = {&in}};
  int failed = closure_call(g, &args) || value_is(args.out[1].items[0], 1) ||
               value_is(args.out[0].items[0], n);
  closure_args_clear(&args);
  closure_unref(g);
  closure_unref(f);
  return failed;
}

static int chain_compile(int n) {
  length = n;
  calls = 0;
  lz_closure* f = closure_new(CLOSURE_PLAIN, chain_call, NULL, NULL);
  lz_closure* g = compile_function(f, f->id, true, false, NULL, 0);
  int failed = 0;
  for (int i = 0; i < 2 && !failed; i++) {
    lz_array* x = op_scalar(DTYPE_FLOAT32, i);
    lz_list in = {&x, 1, 1};
    closure_args args = {.in = {&in}};
    failed = closure_call(g, &args) || value_is(args.out[0].items[0], n + i);
    closure_args_clear(&args);
  }
  closure_unref(g);
  closure_unref(f);
  return failed || calls != 1;
}

static int chain_vmap(int n) {
  length = n;
  lz_closure* f = closure_new(CLOSURE_PLAIN, chain_call, NULL, NULL);
  const int32_t two = 2;
  const int zero = 0;
  lz_array* x = op_zeros(&two, 1, DTYPE_FLOAT32, stream());
  lz_list in = {&x, 1, 1}, inside = {0}, outside = {0}, out = {0};
  int failed =
      vmap_trace(f, &in, &zero, 1, &inside, &outside) ||
      vmap_replace(&in, &inside, &outside, &zero, 1, &zero, 1, &out) ||
      value_is(op_sum(out.items[0], AXES_ALL, false, stream()), 2.0 * n);
  list_clear(&inside);
  list_clear(&outside);
  list_clear(&out);
  closure_unref(f);
  return failed;
}

/* ---- fans ---------------------------------------------------------------- */

static lz_array** leaves(int n) {
  lz_array** a = malloc((size_t)n * sizeof *a);
  const int32_t one = 1;
  const float value = 1;
  for (int i = 0; a && i < n; i++)
    a[i] = scope_own(array_new_data(DTYPE_FLOAT32, 1, &one, &value));
  return a;
}

static lz_array* joined_sum(lz_array** a, int n) {
  lz_array* all = op_concatenate(a, (size_t)n, 0, stream());
  return op_sum(all, AXES_ALL, false, stream());
}

static int fan_eval(int n) {
  lz_array** a = leaves(n);
  int failed = !a || value_is(joined_sum(a, n), n);
  free(a);
  return failed;
}

/* Of nodes, not of leaves. */
static int fan_nodes(int n) {
  lz_array** a = leaves(n);
  for (int i = 0; a && i < n; i++) a[i] = op_negative(a[i], stream());
  int failed = !a || value_is(joined_sum(a, n), -n);
  free(a);
  return failed;
}

/* Kernels that all read one value. */
static int readers_eval(int n) {
  const int32_t shape = 64;
  lz_array** a = malloc((size_t)n * sizeof *a);
  lz_array* v = op_exp(op_zeros(&shape, 1, DTYPE_FLOAT32, stream()), stream());
  for (int i = 0; a && i < n; i++) {
    lz_array* limit = op_scalar(DTYPE_FLOAT32, i + 1);
    a[i] = op_sum(op_minimum(v, limit, stream()), AXIS(0), true, stream());
  }
  int failed = !a || value_is(joined_sum(a, n), 64.0 * n);
  free(a);
  return failed;
}

/* Pairs, pairs of pairs …: as many nodes as leaves. */
static int tree_eval(int n) {
  lz_array** a = leaves(n);
  for (int k = n; a && k > 1; k = (k + 1) / 2)
    for (int i = 0; i < k / 2; i++) {
      a[i] = op_add(a[2 * i], a[2 * i + 1], stream());
      if (i == k / 2 - 1 && k % 2) a[i + 1] = a[k - 1];
    }
  int failed = !a || value_is(a[0], n);
  free(a);
  return failed;
}

static int fan_call(lz_closure* self, closure_args* args) {
  (void)self;
  const lz_list* in = args->in[0];
  size_t scope = scope_open();
  lz_array* y = scope_close(scope, joined_sum(in->items, (int)in->count));
  int failed = !y || list_append(&args->out[0], y);
  array_unref(y);
  return failed;
}

static int fan_gradient(int n) {
  lz_array** a = leaves(n);
  int* numbers = malloc((size_t)n * sizeof *numbers);
  for (int i = 0; numbers && i < n; i++) numbers[i] = i;
  lz_closure* f = closure_new(CLOSURE_PLAIN, fan_call, NULL, NULL);
  lz_closure* g = value_and_grad(f, numbers, (size_t)n);
  lz_list in = {a, (size_t)n, (size_t)n};
  closure_args args = {.in = {&in}};
  int failed = !a || closure_call(g, &args) ||
               value_is(joined_sum(args.out[1].items, n), n);
  closure_args_clear(&args);
  closure_unref(g);
  closure_unref(f);
  free(numbers);
  free(a);
  return failed;
}

/* ---- running ------------------------------------------------------------- */

typedef struct measured {
  job run;
  int n, failed;
  double seconds;
} measured;

static void* measure(void* arg) {
  measured* m = arg;
  double begin = now();
  size_t scope = scope_open();
  m->failed = m->run(m->n);
  if (m->failed) fprintf(stderr, "%s\n", error_message());
  scope_close(scope, NULL);
  m->seconds = now() - begin;
  return NULL;
}

static double seconds_of(job run, int n) {
  measured m = {.run = run, .n = n};
  pthread_attr_t attr;
  pthread_t thread;
  pthread_attr_init(&attr);
  assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
  assert_int_equal(pthread_create(&thread, &attr, measure, &m), 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attr);
  assert_int_equal(m.failed, 0);
  return m.seconds;
}

static void grows(const char* name, job run, int n) {
  double part = seconds_of(run, n / 4), whole = seconds_of(run, n);
  if (whole > GROWTH * part) { /* once more: somebody else may have been here */
    part = seconds_of(run, n / 4);
    whole = seconds_of(run, n);
  }
  print_message(
      "%-16s %8d: %6.3f s, %5.0f ns each, %.2f times that of a quarter\n",
      name,
      n,
      whole,
      1e9 * whole / n,
      whole / part);
  if (whole > GROWTH * part)
    fail_msg("%s: %.3f s, %.3f s for a quarter", name, whole, part);
}

#define LARGE(job, n)                    \
  static void test_##job(void** state) { \
    (void)state;                         \
    grows(#job, job, n);                 \
  }
LARGE(chain_free, MILLION)
LARGE(chain_eval, MILLION)
LARGE(chain_gradient, MILLION)
LARGE(chain_compile, MILLION)
LARGE(chain_vmap, MILLION)
LARGE(fan_eval, MILLION)
LARGE(fan_nodes, MILLION)
LARGE(fan_gradient, MILLION)
LARGE(tree_eval, MILLION)
LARGE(readers_eval, MILLION / 5)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chain_free),
      cmocka_unit_test(test_chain_eval),
      cmocka_unit_test(test_chain_gradient),
      cmocka_unit_test(test_chain_compile),
      cmocka_unit_test(test_chain_vmap),
      cmocka_unit_test(test_fan_eval),
      cmocka_unit_test(test_fan_nodes),
      cmocka_unit_test(test_fan_gradient),
      cmocka_unit_test(test_tree_eval),
      cmocka_unit_test(test_readers_eval),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
