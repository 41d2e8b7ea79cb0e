/* The registry's own consistency. With --count: its length and the size of a
 * descriptor, for registry.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "portable/registry.h"

static void test_entries(void** state) {
  (void)state;
  for (size_t i = 0; registry_at(i); i++) {
    const registry_entry* e = registry_at(i);
    assert_ptr_equal(registry_of(e->op), e);
    assert_ptr_equal(registry_named(e->name, strlen(e->name)), e);
    for (size_t k = 0; k < i; k++) {
      assert_string_not_equal(registry_at(k)->name, e->name);
      assert_ptr_not_equal(registry_at(k)->op, e->op);
    }
    /* What can be written has a rule that checks what is read. */
    if (e->refused)
      assert_true(*e->refused);
    else
      assert_non_null(e->op->infer);
    if (e->op->params_retain) assert_non_null(e->refused);
    assert_true(e->refused || e->revision > 0);
  }
}

static void test_unknown(void** state) {
  (void)state;
  static const lz_op own = {.name = "Own"};
  assert_null(registry_of(&own));
  assert_null(registry_named("Matmu", 5));
  assert_null(registry_named("Matmul2", 7));
  assert_null(registry_named("", 0));
  assert_non_null(registry_named("Matmul2", 6));
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--count") == 0) {
    size_t n = 0;
    while (registry_at(n)) n++;
    printf("%zu %zu\n", n, sizeof(lz_op));
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_entries),
      cmocka_unit_test(test_unknown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
