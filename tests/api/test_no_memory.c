/* Every allocation fails once: each time an error, never a crash, and outputs
 * as they were. The program's malloc stands before the C library's. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include "support.h"

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);

static _Atomic long countdown = -1; /* allocations until one fails; < 0: none */

static bool fails(void) {
  return countdown >= 0 && atomic_fetch_sub(&countdown, 1) == 0;
}

#define SEEN __attribute__((visibility("default")))

SEEN void* malloc(size_t size) {
  if (!fails()) return __libc_malloc(size);
  errno = ENOMEM;
  return NULL;
}
SEEN void* calloc(size_t n, size_t size) {
  if (!fails()) return __libc_calloc(n, size);
  errno = ENOMEM;
  return NULL;
}
SEEN void* realloc(void* p, size_t size) {
  if (!fails()) return __libc_realloc(p, size);
  errno = ENOMEM;
  return NULL;
}

/* A scenario returns the number of calls that said they failed; each must have
 * been reported. */
typedef int (*scenario)(void);

static int strings(void) {
  mlx_string s = mlx_string_new_data("some text"), t = mlx_string_new();
  int failed = !s.ctx;
  if (s.ctx) failed += mlx_string_set(&t, s) != 0;
  mlx_string_free(s);
  mlx_string_free(t);
  return failed;
}

static int vectors(void) {
  const char* words[] = {"one", "two", "three"};
  mlx_vector_string v = mlx_vector_string_new_data(words, 3);
  mlx_vector_string w = {0};
  int failed = !v.ctx;
  if (v.ctx) {
    failed += mlx_vector_string_append_value(v, "four") != 0;
    size_t size = mlx_vector_string_size(v);
    failed += mlx_vector_string_append_data(v, words, 3) != 0;
    assert_true(
        mlx_vector_string_size(v) == size + (failed ? 0 : 3) ||
        mlx_vector_string_size(v) == size + 3);
    failed += mlx_vector_string_set(&w, v) != 0;
  }
  mlx_vector_string_free(v);
  mlx_vector_string_free(w);
  return failed;
}

static int arrays(void) {
  int32_t data[] = {1, 2, 3, 4, 5, 6, 7, 8};
  int shape[] = {2, 1, 2, 1, 2, 1}; /* more axes than have room inside */
  mlx_array a = mlx_array_new_data(data, shape, 6, MLX_INT32);
  mlx_array b = mlx_array_new_int(5), c = {0};
  mlx_vector_array v = {0};
  mlx_string s = mlx_string_new();
  int failed = !a.ctx + !b.ctx;
  if (a.ctx) {
    failed += mlx_array_set(&c, a) != 0;
    failed += mlx_vector_array_set_value(&v, a) != 0;
    failed += mlx_array_tostring(&s, a) != 0;
    if (s.ctx) assert_non_null(strstr(mlx_string_data(s), "dtype=int32"));
  }
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
  mlx_vector_array_free(v);
  mlx_string_free(s);
  return failed;
}

static int maps(void) {
  mlx_map_string_to_string m = mlx_map_string_to_string_new(), n = {0};
  int failed = !m.ctx;
  char key[16];
  for (int i = 0; m.ctx && i < 20; i++) {
    snprintf(key, sizeof key, "key %d", i);
    int no = mlx_map_string_to_string_insert(m, key, "value") != 0;
    const char* value;
    assert_int_equal(mlx_map_string_to_string_get(&value, m, key), no ? 2 : 0);
    failed += no;
  }
  if (m.ctx) failed += mlx_map_string_to_string_set(&n, m) != 0;
  mlx_map_string_to_string_free(m);
  mlx_map_string_to_string_free(n);
  return failed;
}

static int identity(mlx_vector_array* res, const mlx_vector_array in) {
  return mlx_vector_array_set(res, in);
}

/* A failure inside the function is reported twice, for it and for the call. */
static int closures(void) {
  mlx_array a = mlx_array_new_int(5);
  mlx_closure f = mlx_closure_new_func(identity);
  mlx_vector_array in = mlx_vector_array_new(), out = {0};
  int failed = !a.ctx + !f.ctx + !in.ctx;
  if (!failed) failed += mlx_vector_array_append_value(in, a) != 0;
  if (!failed) {
    int no = mlx_closure_apply(&out, f, in) != 0;
    failed += no;
    assert_int_equal(out.ctx == NULL, no);
  }
  mlx_array_free(a);
  mlx_closure_free(f);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
  return failed;
}

static int containers(void) {
  mlx_io_gguf g = mlx_io_gguf_new();
  mlx_node_namer n = mlx_node_namer_new();
  mlx_array a = mlx_array_new_int(5);
  mlx_device d = mlx_device_new_type(MLX_CPU, 0);
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_device_info info = mlx_device_info_new();
  int failed = !g.ctx + !n.ctx + !a.ctx + !d.ctx + !s.ctx;
  const char* name;
  if (!failed) {
    failed += mlx_io_gguf_set_metadata_string(g, "k", "v") != 0;
    failed += mlx_io_gguf_set_array(g, "a", a) != 0;
    failed += mlx_node_namer_get_name(&name, n, a) != 0;
    failed += mlx_device_info_get(&info, d) != 0;
  }
  mlx_io_gguf_free(g);
  mlx_node_namer_free(n);
  mlx_array_free(a);
  mlx_device_free(d);
  mlx_stream_free(s);
  mlx_device_info_free(info);
  return failed;
}

static void sweep(scenario run) {
  int with = 0;
  long n = 0;
  assert_int_equal(run(), 0); /* warm: free lists, streams */
  for (;; n++) {
    countdown = n;
    int failed = run();
    bool reached = countdown < 0;
    countdown = -1;
    assert_true(errors_count() >= failed);
    assert_true(errors_count() == 0 || failed > 0);
    if (failed) assert_non_null(strstr(errors_last(), " at "));
    errors_take(errors_count(), "");
    with += failed > 0;
    if (!reached) break;
    assert_true(n < 1000);
  }
  assert_true(n > 0);
  assert_true(with > 0);
  assert_int_equal(run(), 0);
  errors_take(0, "");
}

#define SWEEP(name)                            \
  static void no_memory_##name(void** state) { \
    (void)state;                               \
    sweep(name);                               \
  }
SWEEP(strings)
SWEEP(vectors)
SWEEP(arrays)
SWEEP(maps)
SWEEP(closures)
SWEEP(containers)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_memory_strings),
      cmocka_unit_test(no_memory_vectors),
      cmocka_unit_test(no_memory_arrays),
      cmocka_unit_test(no_memory_maps),
      cmocka_unit_test(no_memory_closures),
      cmocka_unit_test(no_memory_containers),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
