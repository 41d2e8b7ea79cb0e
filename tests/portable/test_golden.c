/* A file that an earlier build has written, with what the function gives when
 * it is called today. Whoever makes this fail has changed what parameters of an
 * operation mean: raise its revision in registry.def, and write the file anew:
 *
 *     portable_golden --make tests/portable/golden.mlxfn */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/scope.h"
#include "eval/eval.h"
#include "ops/elementwise.h"
#include "portable/exporter.h"
#include "stream/stream.h"
#include "zoo.h"

static const char* golden;

/* As float64 in row-major order; complex numbers lose their imaginary part. */
static lz_array* doubles(lz_array* a) {
  size_t scope = scope_open();
  lz_array* d = scope_close(
      scope, op_astype(a, DTYPE_FLOAT64, stream_default(DEVICE_CPU)));
  assert_non_null(d);
  assert_int_equal(eval_array(d, LAZULI_TRIGGER_EVAL), 0);
  assert_true(d->flags & ARRAY_ROW_CONTIGUOUS);
  return d;
}

static void expect_same(size_t number, lz_array* got, lz_array* want) {
  assert_int_equal(got->dtype, want->dtype);
  assert_true(array_same_shape(got, want));
  lz_array *g = doubles(got), *w = doubles(want);
  const double *x = array_data(g), *y = array_data(w);
  for (int64_t i = 0; i < g->size; i++)
    if (!(fabs(x[i] - y[i]) <= 1e-4 * (1 + fabs(y[i]))))
      fail_msg("result %zu: %g, not %g", number, x[i], y[i]);
  array_unref(g);
  array_unref(w);
}

static void test_golden(void** state) {
  (void)state;
  lz_list in = {0}, got = {0}, want = {0};
  zoo_inputs(&in);
  lz_closure* f = zoo_closure();
  assert_int_equal(closure_apply(f, &in, &want), 0);
  lz_imported* i = imported_new(golden);
  if (!i) fail_msg("%s", error_message());
  if (imported_apply(i, &in, NULL, &got)) fail_msg("%s", error_message());
  assert_int_equal(got.count, want.count);
  assert_true(got.count > 40);
  for (size_t k = 0; k < got.count; k++)
    expect_same(k, got.items[k], want.items[k]);
  list_clear(&got);
  list_clear(&want);
  list_clear(&in);
  imported_free(i);
  closure_unref(f);
}

static int make(const char* path) {
  lz_list in = {0};
  zoo_inputs(&in);
  lz_closure* f = zoo_closure();
  int failed = exporter_once(path, f, &in, NULL, false);
  if (failed) fprintf(stderr, "%s\n", error_message());
  list_clear(&in);
  closure_unref(f);
  return failed;
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--make") == 0) return make(argv[2]);
  if (argc != 2) return 2;
  golden = argv[1];
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
