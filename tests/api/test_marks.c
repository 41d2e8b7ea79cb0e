/* Marks and regions reach who watches, and only then; the version is that of
 * the build. */
#include <stdio.h>

#include "lazuli/mark.h"
#include "lazuli/probe.h"
#include "support.h"

extern const char* const lazuli_version;

static char heard[256];

static void on_mark(void* user, const lazuli_probe_mark* e) {
  (void)user;
  size_t at = strlen(heard);
  snprintf(heard + at, sizeof heard - at, "%d:%s ", e->kind, e->name);
}

static void marks(void** state) {
  (void)state;
  const lazuli_probe probe = {
      .version = LAZULI_PROBE_VERSION, .size = sizeof probe, .mark = on_mark};
  lazuli_mark("unheard");
  assert_int_equal(lazuli_probe_attach(&probe), 0);
  lazuli_mark("a");
  lazuli_region_begin("b");
  lazuli_mark(NULL);
  lazuli_region_end();
  assert_int_equal(lazuli_probe_attach(NULL), 0);
  lazuli_mark("unheard");
  assert_string_equal(heard, "0:a 1:b 0: 2: ");
}

static void version(void** state) {
  (void)state;
  int major = -1, minor = -1;
  assert_int_equal(sscanf(lazuli_version, "%d.%d", &major, &minor), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marks),
      cmocka_unit_test(version),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
