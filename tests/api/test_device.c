/* Devices, streams, memory counters, and what this platform has not. */
#include <pthread.h>
#include <stdio.h>

#include "support.h"

static char* text(mlx_string s) {
  char* copy = strdup(mlx_string_data(s));
  mlx_string_free(s);
  return copy;
}

static void devices(void** state) {
  (void)state;
  assert_null(mlx_device_new().ctx);
  mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
  mlx_device gpu = mlx_device_new_type(MLX_GPU, 1);
  assert_non_null(gpu.ctx); /* naming it is no claim that it is there */
  assert_null(mlx_device_new_type((mlx_device_type)9, 0).ctx);
  errors_take(1, "9 is no device type");
  mlx_string s = mlx_string_new();
  assert_fine(mlx_device_tostring(&s, gpu));
  char* t = text(s);
  assert_string_equal(t, "Device(gpu, 1)");
  free(t);
  int index = -1;
  mlx_device_type type = MLX_CPU;
  assert_fine(mlx_device_get_index(&index, gpu));
  assert_fine(mlx_device_get_type(&type, gpu));
  assert_int_equal(index, 1);
  assert_int_equal(type, MLX_GPU);
  assert_false(mlx_device_equal(cpu, gpu));
  assert_false(mlx_device_equal(cpu, mlx_device_new()));
  void* ctx = gpu.ctx;
  assert_fine(mlx_device_set(&gpu, cpu));
  assert_ptr_equal(gpu.ctx, ctx);
  assert_true(mlx_device_equal(cpu, gpu));
  assert_error(mlx_device_set(&gpu, mlx_device_new()), "[device_set]");
  assert_error(mlx_device_get_index(&index, mlx_device_new()), "dev");
  assert_error(mlx_set_default_device(mlx_device_new()), "dev");

  bool is = false;
  assert_fine(mlx_device_is_available(&is, cpu));
  assert_true(is);
  int count = -1;
  assert_fine(mlx_device_count(&count, MLX_CPU));
  assert_int_equal(count, 1);
  assert_error(mlx_device_count(&count, (mlx_device_type)5), "5");
  assert_fine(mlx_set_default_device(cpu));
  mlx_device now = mlx_device_new();
  assert_fine(mlx_get_default_device(&now));
  assert_true(mlx_device_equal(now, cpu));
  mlx_device_free(now);
  mlx_device_free(cpu);
  mlx_device_free(gpu);
  assert_fine(mlx_device_free(mlx_device_new()));
}

/* Index 999 stands for the GPU that no machine has. */
static void a_device_that_is_not_there(void** state) {
  (void)state;
  mlx_device none = mlx_device_new_type(MLX_GPU, 999);
  bool is = true;
  assert_fine(mlx_device_is_available(&is, none));
  assert_false(is);
  mlx_stream s = {0};
  assert_error(mlx_get_default_stream(&s, none), "Device(gpu, 999)");
  assert_null(mlx_stream_new_device(none).ctx);
  errors_take(1, "not available");
  assert_error(mlx_set_default_device(none), "not available");
  mlx_device_free(none);

  int gpus = 0;
  assert_fine(mlx_device_count(&gpus, MLX_GPU));
  mlx_stream g = mlx_default_gpu_stream_new();
  if (gpus == 0) {
    assert_null(g.ctx);
    errors_take(1, "not available");
  } else {
    assert_non_null(g.ctx);
  }
  mlx_stream_free(g);
}

static void device_info(void** state) {
  (void)state;
  mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
  mlx_device_info info = mlx_device_info_new();
  assert_null(info.ctx);
  assert_fine(mlx_device_info_get(&info, cpu));
  bool is = false;
  const char* keys[] = {"device_name", "architecture"};
  for (int i = 0; i < 2; i++) {
    assert_fine(mlx_device_info_has_key(&is, info, keys[i]));
    assert_true(is);
    is = false;
    assert_fine(mlx_device_info_is_string(&is, info, keys[i]));
    assert_true(is);
    const char* value = NULL;
    assert_fine(mlx_device_info_get_string(&value, info, keys[i]));
    assert_true(value && *value);
    size_t size;
    assert_int_equal(mlx_device_info_get_size(&size, info, keys[i]), 2);
  }
  assert_fine(mlx_device_info_has_key(&is, info, "nothing"));
  assert_false(is);
  assert_int_equal(mlx_device_info_is_string(&is, info, "nothing"), 2);
  errors_take(0, "");
  mlx_vector_string names = mlx_vector_string_new();
  assert_fine(mlx_device_info_get_keys(&names, info));
  assert_int_equal(mlx_vector_string_size(names), 2);
  assert_error(
      mlx_device_info_has_key(&is, mlx_device_info_new(), "x"), "info");
  mlx_vector_string_free(names);
  mlx_device_free(cpu);
  /* A GPU, if there is one. */
  mlx_device gpu = mlx_device_new_type(MLX_GPU, 0);
  bool there = false;
  assert_fine(mlx_device_is_available(&there, gpu));
  assert_fine(mlx_device_info_get(&info, gpu));
  const char* name = NULL;
  size_t bytes = 0;
  const int expected = there ? 0 : 2;
  assert_int_equal(
      mlx_device_info_get_string(&name, info, "device_name"), expected);
  assert_int_equal(
      mlx_device_info_get_size(&bytes, info, "memory_size"), expected);
  assert_true(!there || (name && *name && bytes));
  errors_take(0, "");
  mlx_device_info_free(info);
  mlx_device_free(gpu);
}

static void* default_index(void* out) {
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_stream_get_index(out, s);
  mlx_stream_free(s);
  return NULL;
}

static void streams(void** state) {
  (void)state;
  assert_null(mlx_stream_new().ctx);
  mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
  mlx_stream s = mlx_default_cpu_stream_new(), t = mlx_stream_new();
  assert_fine(mlx_get_default_stream(&t, cpu));
  assert_true(mlx_stream_equal(s, t));
  assert_false(mlx_stream_equal(s, mlx_stream_new()));
  assert_false(mlx_stream_equal(mlx_stream_new(), mlx_stream_new()));

  mlx_stream n = mlx_stream_new_device(cpu);
  assert_false(mlx_stream_equal(s, n));
  int index = -1;
  assert_fine(mlx_stream_get_index(&index, n));
  mlx_string str = mlx_string_new();
  assert_fine(mlx_stream_tostring(&str, n));
  char* got = text(str);
  char expected[64];
  snprintf(expected, sizeof expected, "Stream(Device(cpu, 0), %d)", index);
  assert_string_equal(got, expected);
  free(got);
  mlx_device d = mlx_device_new();
  assert_fine(mlx_stream_get_device(&d, n));
  assert_true(mlx_device_equal(d, cpu));

  assert_fine(mlx_set_default_stream(n));
  assert_fine(mlx_get_default_stream(&t, cpu));
  assert_true(mlx_stream_equal(t, n));
  assert_fine(mlx_set_default_stream(s));
  assert_fine(mlx_synchronize(n));
  assert_error(mlx_synchronize(mlx_stream_new()), "[synchronize]");
  assert_error(mlx_stream_set(&t, mlx_stream_new()), "[stream_set]");
  assert_true(mlx_stream_equal(t, n));
  assert_fine(mlx_stream_set(&t, s));
  assert_error(mlx_set_default_stream(mlx_stream_new()), "stream");
  assert_null(mlx_stream_new_device(mlx_device_new()).ctx);
  errors_take(1, "[stream_new_device]");

  /* Each thread has default streams of its own. */
  int here, there = -1;
  pthread_t thread;
  default_index(&here);
  pthread_create(&thread, NULL, default_index, &there);
  pthread_join(thread, NULL);
  assert_true(there >= 0);
  assert_int_not_equal(here, there);
  mlx_stream_free(s);
  mlx_stream_free(t);
  mlx_stream_free(n);
  mlx_device_free(d);
  mlx_device_free(cpu);
}

static void memory(void** state) {
  (void)state;
  size_t before, with, after, peak, limit, old;
  assert_fine(mlx_get_active_memory(&before));
  mlx_array a = floats(1 << 20);
  assert_fine(mlx_get_active_memory(&with));
  assert_true(with >= before + (4u << 20));
  assert_fine(mlx_get_peak_memory(&peak));
  assert_true(peak >= with);
  mlx_array_free(a);
  assert_fine(mlx_get_active_memory(&after));
  assert_int_equal(after, before);
  assert_fine(mlx_reset_peak_memory());
  assert_fine(mlx_get_peak_memory(&peak));
  assert_true(peak < with);

  assert_fine(mlx_get_memory_limit(&limit));
  assert_true(limit > 0);
  assert_fine(mlx_set_memory_limit(&old, 1u << 30));
  assert_int_equal(old, limit);
  assert_fine(mlx_get_memory_limit(&old));
  assert_int_equal(old, 1u << 30);
  assert_fine(mlx_set_memory_limit(&old, limit));
  size_t cache_limit;
  assert_fine(mlx_set_cache_limit(&cache_limit, 12345));
  assert_fine(mlx_set_cache_limit(&old, cache_limit));
  assert_int_equal(old, 12345);
  assert_fine(mlx_set_wired_limit(&old, 0));
  assert_fine(mlx_clear_cache());
  assert_fine(mlx_get_cache_memory(&old));
  assert_int_equal(old, 0);
  assert_error(mlx_get_active_memory(NULL), "res");
  assert_error(mlx_set_cache_limit(NULL, 1), "res");
}

/* The last row of a large array keeps all of it, made contiguous it does not; a
 * whole array is never copied. */
static void parts_that_let_go(void** state) {
  (void)state;
  const int shape[] = {1024, 1024}, from[] = {1023, 0}, by[] = {1, 1};
  size_t before, with;
  mlx_stream s = mlx_default_cpu_stream_new();
  assert_fine(mlx_get_active_memory(&before));
  for (int whole = 0; whole < 2; whole++) {
    mlx_array a = floats(1 << 20), part = mlx_array_new();
    const int start[] = {whole ? 0 : from[0], 0};
    assert_fine(mlx_reshape(&a, a, shape, 2, s));
    assert_fine(mlx_slice(&part, a, start, 2, shape, 2, by, 2, s));
    assert_fine(mlx_array_eval(part));
    if (!whole) {
      mlx_array_free(a);
      a = mlx_array_new();
      assert_fine(mlx_get_active_memory(&with));
      assert_true(with >= before + (4u << 20));
    }
    assert_fine(mlx_contiguous(&part, part, false, s));
    assert_fine(mlx_array_eval(part));
    assert_fine(mlx_get_active_memory(&with));
    assert_true(whole ? with < before + (5u << 20) : with < before + 8192);
    mlx_array_free(a);
    mlx_array_free(part);
  }
  mlx_stream_free(s);
}

/* A cached block of a megabyte serves what is nearly as large, and nothing that
 * would hold much more than it needs. */
static void blocks_that_serve(void** state) {
  (void)state;
  static const struct {
    int kilobytes;
    bool served;
  } cases[] = {{1024, true}, {940, true}, {768, false}, {520, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t before, after, cached;
    assert_fine(mlx_clear_cache());
    mlx_array_free(floats(1024 << 8));
    assert_fine(mlx_get_active_memory(&before));
    mlx_array a = floats(cases[i].kilobytes << 8);
    assert_fine(mlx_get_active_memory(&after));
    assert_fine(mlx_get_cache_memory(&cached));
#ifndef LAZULI_HOSTILE
    assert_int_equal(cached == 0, cases[i].served);
#endif
    assert_true(after - before <= (size_t)cases[i].kilobytes * 1152 + 65536);
    mlx_array_free(a);
  }
  assert_fine(mlx_clear_cache());
}

static void what_is_not_here(void** state) {
  (void)state;
  bool is = true;
  assert_fine(mlx_metal_is_available(&is));
  assert_false(is);
  is = true;
  assert_fine(mlx_cuda_is_available(&is));
  assert_false(is);
  assert_fine(mlx_metal_start_capture("x.gputrace"));
  assert_fine(mlx_metal_stop_capture());
  mlx_string s = mlx_string_new();
  assert_fine(mlx_version(&s));
  assert_string_equal(mlx_string_data(s), "0.31.2");
  mlx_string_free(s);
}

#define KERNEL(kind, last)                                                     \
  static void kind##_kernels(void** state) {                                   \
    (void)state;                                                               \
    mlx_fast_##kind##_kernel_config c = mlx_fast_##kind##_kernel_config_new(); \
    assert_non_null(c.ctx);                                                    \
    int shape[] = {2, 3}, bad[] = {2, -3};                                     \
    assert_fine(mlx_fast_##kind##_kernel_config_add_output_arg(                \
        c, shape, 2, MLX_FLOAT32));                                            \
    assert_error(                                                              \
        mlx_fast_##kind##_kernel_config_add_output_arg(                        \
            c, bad, 2, MLX_FLOAT32),                                           \
        "-3");                                                                 \
    assert_error(                                                              \
        mlx_fast_##kind##_kernel_config_add_output_arg(                        \
            c, shape, 2, (mlx_dtype)99),                                       \
        "99");                                                                 \
    assert_fine(mlx_fast_##kind##_kernel_config_set_grid(c, 1, 2, 3));         \
    assert_fine(mlx_fast_##kind##_kernel_config_set_thread_group(c, 1, 2, 3)); \
    assert_fine(mlx_fast_##kind##_kernel_config_set_init_value(c, 0.f));       \
    assert_fine(mlx_fast_##kind##_kernel_config_set_verbose(c, true));         \
    assert_fine(mlx_fast_##kind##_kernel_config_add_template_arg_dtype(        \
        c, "T", MLX_FLOAT16));                                                 \
    assert_fine(                                                               \
        mlx_fast_##kind##_kernel_config_add_template_arg_int(c, "N", 4));      \
    assert_fine(                                                               \
        mlx_fast_##kind##_kernel_config_add_template_arg_bool(c, "B", true));  \
    assert_error(                                                              \
        mlx_fast_##kind##_kernel_config_add_template_arg_int(c, NULL, 4),      \
        "name");                                                               \
    mlx_vector_string names = mlx_vector_string_new_value("x");                \
    mlx_fast_##kind##_kernel k = mlx_fast_##kind##_kernel_new(                 \
        "twice", names, names, "out[i] = x[i];", "", true, last);              \
    assert_null(k.ctx);                                                        \
    errors_take(1, "\"twice\"");                                               \
    mlx_vector_array in = mlx_vector_array_new(), out = {0};                   \
    mlx_stream s = mlx_default_cpu_stream_new();                               \
    assert_error(                                                              \
        mlx_fast_##kind##_kernel_apply(&out, k, in, c, s),                     \
        "does not exist on this platform");                                    \
    assert_null(out.ctx);                                                      \
    mlx_fast_##kind##_kernel_free(k);                                          \
    mlx_fast_##kind##_kernel_config_free(c);                                   \
    mlx_vector_string_free(names);                                             \
    mlx_vector_array_free(in);                                                 \
    mlx_stream_free(s);                                                        \
  }
KERNEL(metal, false)
KERNEL(cuda, 0)

static void groups(void** state) {
  (void)state;
  assert_null(mlx_distributed_group_new().ctx);
  assert_false(mlx_distributed_is_available(NULL));
  mlx_distributed_group g = mlx_distributed_group_new(), h = {0};
  assert_fine(mlx_distributed_init(&g, false, NULL));
  assert_int_equal(mlx_distributed_group_rank(g), 0);
  assert_int_equal(mlx_distributed_group_size(g), 1);
  assert_fine(mlx_distributed_init(&g, false, "ring"));
  assert_error(mlx_distributed_init(&h, true, NULL), "none is built in");
  assert_error(mlx_distributed_init(&h, false, "pigeons"), "pigeons");
  assert_error(mlx_distributed_group_split(&h, g, 0, 1), "split");
  assert_null(h.ctx);
  assert_int_equal(mlx_distributed_group_size(h), 0);
  errors_take(1, "group is empty");
  mlx_distributed_group_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(devices),
      cmocka_unit_test(a_device_that_is_not_there),
      cmocka_unit_test(device_info),
      cmocka_unit_test(streams),
      cmocka_unit_test(memory),
      cmocka_unit_test(parts_that_let_go),
      cmocka_unit_test(blocks_that_serve),
      cmocka_unit_test(what_is_not_here),
      cmocka_unit_test(metal_kernels),
      cmocka_unit_test(cuda_kernels),
      cmocka_unit_test(groups),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
