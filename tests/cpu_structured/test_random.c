/* random_bits against Threefry written out, and against bits that MLX drew. */
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "cpu/random.h"

static void threefry(const uint32_t key[2], uint32_t c[2]) {
  static const int turns[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  uint32_t k[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bdau};
  c[0] += k[0];
  c[1] += k[1];
  for (int i = 0; i < 20; i++) {
    c[0] += c[1];
    c[1] = c[1] << turns[i % 8] | c[1] >> (32 - turns[i % 8]);
    c[1] ^= c[0];
    if (i % 4 == 3) {
      uint32_t s = (uint32_t)i / 4 + 1;
      c[0] += k[s % 3];
      c[1] += k[(s + 1) % 3] + s;
    }
  }
}

/* The bytes of one key, by the definition. */
static void expect(const uint32_t key[2], int64_t bytes, uint8_t* out) {
  int64_t words = (bytes + 3) / 4, half = words / 2, odd = words % 2;
  uint32_t* w = calloc((size_t)words + 1, 4);
  for (int64_t i = 0; i < half; i++) {
    uint32_t c[2] = {(uint32_t)i, (uint32_t)(half + odd + i)};
    threefry(key, c);
    w[i] = c[0];
    w[half + odd + i] = c[1];
  }
  if (odd) {
    uint32_t c[2] = {(uint32_t)half, 0};
    threefry(key, c);
    w[half] = c[0];
  }
  memcpy(out, w, (size_t)bytes);
  free(w);
}

static void test_paper(void** unused) {
  (void)unused;
  uint32_t key[2] = {0, 0}, c[2] = {0, 0};
  threefry(key, c);
  assert_int_equal(c[0], 0x6b200159);
  assert_int_equal(c[1], 0x99ba4efe);
}

static void test_against_definition(void** unused) {
  (void)unused;
  static const lz_dtype types[] = {DTYPE_UINT8, DTYPE_UINT16, DTYPE_UINT32};
  for (uint64_t seed = 1; seed < 400; seed++) {
    arrays_seed(seed);
    lz_dtype d = types[arrays_below(3)];
    int key_ndim = 1 + arrays_below(3);
    int32_t shape[8];
    array_shape(key_ndim, 10, true, shape);
    shape[key_ndim - 1] = 2;
    array* keys =
        array_new(DTYPE_UINT32, key_ndim, shape, arrays_below(LAYOUTS));
    int64_t n_keys = view_size(&keys->view) / 2;
    for (int64_t i = 0; i < 2 * n_keys; i++) {
      uint32_t k = (uint32_t)arrays_random();
      memcpy(array_at(&keys->view, i), &k, 4);
    }
    shape[key_ndim - 1] =
        1 + arrays_below(arrays_below(10) ? 40 : 100000 / (1 + (int)n_keys));
    array* out = array_new(d, key_ndim, shape, LAYOUT_ROW);
    random_bits(&keys->view, &out->view);
    int64_t bytes = shape[key_ndim - 1] * (int64_t)dtype_size(d);
    uint8_t* want = malloc((size_t)bytes);
    for (int64_t k = 0; k < n_keys; k++) {
      uint32_t key[2];
      memcpy(key, array_at(&keys->view, 2 * k), 4);
      memcpy(key + 1, array_at(&keys->view, 2 * k + 1), 4);
      expect(key, bytes, want);
      if (memcmp(want, (char*)out->view.data + k * bytes, (size_t)bytes) != 0)
        fail_msg(
            "bits differ, seed %llu key %lld",
            (unsigned long long)seed,
            (long long)k);
    }
    free(want);
    array_free(keys);
    array_free(out);
  }
}

/* Drawn by MLX 0.31.2 with random::bits(shape, width, key(42)). */
static void test_mlx(void** unused) {
  (void)unused;
  static const uint8_t bytes[] = {
      0xea, 0x20, 0xfb, 0x92, 0x6f, 0xf8, 0xa3, 0x19, 0x13, 0xd9, 0x38};
  static const uint16_t shorts[] = {0xb32d, 0x03d7, 0x83f4};
  static const uint32_t words[] = {
      0xbad56946, 0xde837c89, 0x3249c374, 0x354ba891, 0x2fc69b62};
  static const struct {
    lz_dtype d;
    int32_t n;
    const void* want;
  } cases[] = {
      {DTYPE_UINT8, 11, bytes},
      {DTYPE_UINT16, 3, shorts},
      {DTYPE_UINT32, 5, words},
  };
  uint32_t key[] = {0, 42}, got[8];
  int32_t two = 2;
  int64_t unit = 1;
  lz_view keys = {key, DTYPE_UINT32, 1, &two, &unit};
  for (int i = 0; i < 3; i++) {
    lz_view out = {got, cases[i].d, 1, &cases[i].n, &unit};
    random_bits(&keys, &out);
    assert_memory_equal(
        got, cases[i].want, (size_t)cases[i].n * dtype_size(cases[i].d));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_paper),
      cmocka_unit_test(test_against_definition),
      cmocka_unit_test(test_mlx),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
