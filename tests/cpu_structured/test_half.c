/* Halves in bulk against single conversions: all of them one way, all
 * neighbourhoods of them the other. */
#include <math.h>
#include <string.h>

#include "arrays.h"
#include "cpu/simd/half.h"

enum { ALL = 65536 };

static void check(lz_dtype d) {
  const half_table* half = ISA_PICK(half_kernels);
  static uint16_t h[ALL], back[ALL];
  static float f[ALL], near[ALL];
  for (int i = 0; i < ALL; i++) h[i] = (uint16_t)i;
  half->widen(d, f, h, ALL);
  half->narrow(d, back, f, ALL);
  for (int i = 0; i < ALL; i++) {
    double want = dtype_load(d, &h[i]);
    if (isnan(want)) {
      assert_true(isnan(f[i]));
      assert_true(isnan(dtype_load(d, &back[i])));
      continue;
    }
    if (f[i] != want || !signbit(f[i]) != !signbit(want))
      fail_msg("%s: %x widens to %g, not %g", dtype_name(d), i, f[i], want);
    if (back[i] != h[i])
      fail_msg("%s: %x comes back as %x", dtype_name(d), i, back[i]);
  }
  /* a third of the way to the next, the middle, and just off it */
  static const float steps[] = {0.25f, 0.5f, 0.5000001f, 0.4999999f, 0.75f};
  for (int s = 0; s < 5; s++) {
    for (int i = 0; i + 1 < ALL; i++)
      near[i] = f[i] + (f[i + 1] - f[i]) * steps[s];
    near[ALL - 1] = 65519.996f;
    half->narrow(d, back, near, ALL);
    for (int i = 0; i < ALL; i++) {
      uint16_t want;
      dtype_store(d, &want, near[i]);
      if (back[i] != want && !isnan(near[i]))
        fail_msg(
            "%s: %.9g rounds to %x, not %x",
            dtype_name(d),
            near[i],
            back[i],
            want);
    }
  }
}

static void test_f16(void** unused) {
  (void)unused;
  check(DTYPE_FLOAT16);
}
static void test_bf16(void** unused) {
  (void)unused;
  check(DTYPE_BFLOAT16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f16),
      cmocka_unit_test(test_bf16),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
