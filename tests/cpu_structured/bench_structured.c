/* Speed of the structured kernels beside a plain read of memory in the same
 * run. Not a test: run it by hand.
 *
 *   bench_structured [name-part]
 *
 * "GB/s" counts the bytes that must be read and written once; "of read" is
 * that against the read. Each figure is the median of several runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/gather.h"
#include "cpu/isa.h"
#include "cpu/norm.h"
#include "cpu/random.h"
#include "cpu/reduce.h"
#include "cpu/rope.h"
#include "cpu/scan.h"
#include "cpu/scatter.h"
#include "cpu/softmax.h"
#include "cpu/sort.h"
#include "stream/pool.h"

enum { SIDE = 4096, SIZE = SIDE * SIDE, MILLION = 1 << 20, RUNS = 9 };

/* With LAZULI_THREADS=1, the time this process ran: a busy machine takes
 * turns, but does not count. */
static clockid_t timer = CLOCK_MONOTONIC;

static double now(void) {
  struct timespec t;
  clock_gettime(timer, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return x < y ? -1 : x > y;
}

static void *a, *b, *c; /* 64 MiB each */
static uint32_t* indices;
static float params[SIDE];

static int32_t square[] = {SIDE, SIDE}, flat[] = {SIZE}, million[] = {MILLION};
static int32_t short_rows[] = {MILLION / 64, 64}, long_rows[] = {1024, 1024};
static int64_t square_by_row[] = {SIDE, 1}, unit[] = {1};
static int64_t short_by_row[] = {64, 1}, long_by_row[] = {1024, 1};
static int32_t row_out[] = {SIDE, 1}, col_out[] = {1, SIDE};
static int64_t row_out_strides[] = {1, 1}, col_out_strides[] = {SIDE, 1};

static lz_view sq(void* data, lz_dtype d) {
  return (lz_view){data, d, 2, square, square_by_row};
}
static lz_view line(void* data, lz_dtype d, int32_t* n) {
  return (lz_view){data, d, 1, n, unit};
}
static const lz_view weight = {params, DTYPE_FLOAT32, 1, square, unit};

static volatile float sink;
/* Four runs of each part side by side, the fastest that a loop in C reads. */
static void read_some(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)ctx;
  (void)worker;
  typedef float v8 __attribute__((vector_size(32)));
  int64_t n = (end - begin) / 4;
  const v8* p = (const v8*)a + 4 * begin;
  v8 s[4] = {{0}};
  for (int64_t i = 0; i < 4 * n; i++)
    for (int k = 0; k < 4; k++) s[k] += p[i + 4 * n * k];
  s[0] += s[1] + s[2] + s[3];
  sink = s[0][0];
}
static void bench_read(void) {
  pool_for(SIZE / 32, 4096, read_some, NULL);
}

#define REDUCE(name, kind, d, axes, shape, strides)            \
  static void bench_##name(void) {                             \
    lz_view x = sq(a, d);                                      \
    lz_view o = {c, reduce_dtype(kind, d), 2, shape, strides}; \
    reduce_run(kind, &x, axes, &o);                            \
  }
REDUCE(sum_rows, REDUCE_SUM, DTYPE_FLOAT32, 2, row_out, row_out_strides)
REDUCE(sum_cols, REDUCE_SUM, DTYPE_FLOAT32, 1, col_out, col_out_strides)
REDUCE(max_rows, REDUCE_MAX, DTYPE_FLOAT32, 2, row_out, row_out_strides)
REDUCE(max_cols, REDUCE_MAX, DTYPE_FLOAT32, 1, col_out, col_out_strides)
REDUCE(sum_rows_f16, REDUCE_SUM, DTYPE_FLOAT16, 2, row_out, row_out_strides)
REDUCE(sum_cols_bf16, REDUCE_SUM, DTYPE_BFLOAT16, 1, col_out, col_out_strides)
REDUCE(sum_rows_i8, REDUCE_SUM, DTYPE_INT8, 2, row_out, row_out_strides)
static void bench_sum_all(void) {
  lz_view x = line(a, DTYPE_FLOAT32, flat);
  lz_view o = {c, DTYPE_FLOAT32, 0, NULL, NULL};
  reduce_run(REDUCE_SUM, &x, 1, &o);
}
static void bench_argmax_rows(void) {
  lz_view x = sq(a, DTYPE_FLOAT32);
  lz_view o = {c, DTYPE_UINT32, 2, row_out, row_out_strides};
  reduce_arg(true, &x, 1, &o);
}
static void bench_argmax_cols(void) {
  lz_view x = sq(a, DTYPE_FLOAT32);
  lz_view o = {c, DTYPE_UINT32, 2, col_out, col_out_strides};
  reduce_arg(true, &x, 0, &o);
}

#define SOFTMAX(name, d, axis)          \
  static void bench_##name(void) {      \
    lz_view x = sq(a, d), o = sq(b, d); \
    softmax_run(&x, axis, true, &o);    \
  }
SOFTMAX(softmax_rows, DTYPE_FLOAT32, 1)
SOFTMAX(softmax_cols, DTYPE_FLOAT32, 0)
SOFTMAX(softmax_rows_f16, DTYPE_FLOAT16, 1)
static void bench_logsumexp(void) {
  lz_view x = sq(a, DTYPE_FLOAT32);
  lz_view o = {c, DTYPE_FLOAT32, 2, row_out, row_out_strides};
  softmax_logsumexp(&x, 1, &o);
}
static void bench_logsumexp_cols(void) {
  lz_view x = sq(a, DTYPE_FLOAT32);
  lz_view o = {c, DTYPE_FLOAT32, 2, col_out, col_out_strides};
  softmax_logsumexp(&x, 0, &o);
}
static void bench_softmax_cols_f16(void) {
  lz_view x = sq(a, DTYPE_FLOAT16), o = sq(b, DTYPE_FLOAT16);
  softmax_run(&x, 0, true, &o);
}
static void bench_layer_norm(void) {
  lz_view x = sq(a, DTYPE_FLOAT32), o = sq(b, DTYPE_FLOAT32);
  norm_layer(&x, &weight, &weight, 1e-5f, &o);
}
static void bench_rms_norm(void) {
  lz_view x = sq(a, DTYPE_FLOAT32), o = sq(b, DTYPE_FLOAT32);
  norm_rms(&x, &weight, 1e-5f, &o);
}
static void bench_rms_norm_f16(void) {
  lz_view x = sq(a, DTYPE_FLOAT16), o = sq(b, DTYPE_FLOAT16);
  lz_view w = {a, DTYPE_FLOAT16, 1, square, unit};
  norm_rms(&x, &w, 1e-5f, &o);
}
static void bench_layer_norm_vjp(void) {
  lz_view x = sq(a, DTYPE_FLOAT32), g = sq(b, DTYPE_FLOAT32);
  lz_view o = sq(c, DTYPE_FLOAT32);
  static float gw[SIDE], gb[SIDE];
  lz_view gwv = {gw, DTYPE_FLOAT32, 1, square, unit};
  lz_view gbv = {gb, DTYPE_FLOAT32, 1, square, unit};
  norm_layer_vjp(&x, &weight, &g, 1e-5f, &o, &gwv, &gbv);
}

#define SORT(name, fn, shape, strides, d, to) \
  static void bench_##name(void) {            \
    lz_view x = {a, d, 2, shape, strides};    \
    lz_view o = {b, to, 2, shape, strides};   \
    fn(&x, 1, &o);                            \
  }
#define SORT_LINE(name, fn, d, to)                             \
  static void bench_##name(void) {                             \
    lz_view x = line(a, d, million), o = line(b, to, million); \
    fn(&x, 0, &o);                                             \
  }
SORT_LINE(sort_1m, sort_run, DTYPE_FLOAT32, DTYPE_FLOAT32)
SORT_LINE(argsort_1m, sort_arg, DTYPE_FLOAT32, DTYPE_UINT32)
SORT_LINE(sort_1m_i64, sort_run, DTYPE_INT64, DTYPE_INT64)
SORT(
    sort_rows_64,
    sort_run,
    short_rows,
    short_by_row,
    DTYPE_FLOAT32,
    DTYPE_FLOAT32)
SORT(
    argsort_rows_64,
    sort_arg,
    short_rows,
    short_by_row,
    DTYPE_FLOAT32,
    DTYPE_UINT32)
SORT(
    sort_rows_1024,
    sort_run,
    long_rows,
    long_by_row,
    DTYPE_FLOAT32,
    DTYPE_FLOAT32)
SORT(
    argsort_rows_1024,
    sort_arg,
    long_rows,
    long_by_row,
    DTYPE_FLOAT32,
    DTYPE_UINT32)
static void bench_partition_1m(void) {
  lz_view x = line(a, DTYPE_FLOAT32, million);
  lz_view o = line(b, DTYPE_FLOAT32, million);
  sort_partition(&x, 0, MILLION / 2, &o);
}
static void bench_argpartition_1m(void) {
  lz_view x = line(a, DTYPE_FLOAT32, million);
  lz_view o = line(b, DTYPE_UINT32, million);
  sort_argpartition(&x, 0, MILLION / 2, &o);
}

#define SCAN(name, kind, axis, reverse)                         \
  static void bench_##name(void) {                              \
    lz_view x = sq(a, DTYPE_FLOAT32), o = sq(b, DTYPE_FLOAT32); \
    scan_run(kind, &x, axis, reverse, true, &o);                \
  }
SCAN(cumsum_rows, SCAN_SUM, 1, false)
SCAN(cumsum_rows_reverse, SCAN_SUM, 1, true)
SCAN(cumsum_cols, SCAN_SUM, 0, false)
SCAN(cummax_rows, SCAN_MAX, 1, false)
SCAN(logcumsumexp_rows, SCAN_LOGADDEXP, 1, false)
static void bench_cumsum_16m(void) {
  lz_view x = line(a, DTYPE_FLOAT32, flat), o = line(b, DTYPE_FLOAT32, flat);
  scan_run(SCAN_SUM, &x, 0, false, true, &o);
}

static void bench_gather_rows(void) {
  static int32_t n[] = {SIDE}, sizes[] = {1, SIDE};
  static int32_t out_shape[] = {SIDE, 1, SIDE};
  static int64_t out_strides[] = {SIDE, SIDE, 1};
  static int axis = 0;
  lz_view x = sq(a, DTYPE_FLOAT32), i = line(indices, DTYPE_UINT32, n);
  lz_view o = {b, DTYPE_FLOAT32, 3, out_shape, out_strides};
  gather_run(&x, 1, &i, &axis, sizes, &o);
}
static void bench_gather_elements(void) {
  static int32_t one[] = {1}, out_shape[] = {MILLION, 1};
  static int64_t out_strides[] = {1, 1};
  static int axis = 0;
  lz_view x = line(a, DTYPE_FLOAT32, million);
  lz_view i = line(indices, DTYPE_UINT32, million);
  lz_view o = {b, DTYPE_FLOAT32, 2, out_shape, out_strides};
  gather_run(&x, 1, &i, &axis, one, &o);
}
static void bench_take_along(void) {
  lz_view x = {a, DTYPE_FLOAT32, 2, long_rows, long_by_row};
  lz_view i = {indices, DTYPE_UINT32, 2, long_rows, long_by_row};
  lz_view o = {b, DTYPE_FLOAT32, 2, long_rows, long_by_row};
  gather_along(&x, &i, 1, &o);
}
static void bench_scatter_add_rows(void) {
  static int32_t n[] = {SIDE}, shape[] = {SIDE, 1, SIDE};
  static int64_t strides[] = {SIDE, SIDE, 1};
  static int axis = 0;
  lz_view o = sq(b, DTYPE_FLOAT32), i = line(indices, DTYPE_UINT32, n);
  lz_view u = {a, DTYPE_FLOAT32, 3, shape, strides};
  scatter_run(SCATTER_SUM, &o, 1, &i, &axis, &u);
}
static void bench_scatter_add_elements(void) {
  static int32_t shape[] = {MILLION, 1};
  static int64_t strides[] = {1, 1};
  static int axis = 0;
  lz_view o = line(b, DTYPE_FLOAT32, million);
  lz_view i = line(indices, DTYPE_UINT32, million);
  lz_view u = {a, DTYPE_FLOAT32, 2, shape, strides};
  scatter_run(SCATTER_SUM, &o, 1, &i, &axis, &u);
}
static void bench_random_bits(void) {
  static uint32_t key[] = {0, 42};
  static int32_t two[] = {2};
  lz_view k = line(key, DTYPE_UINT32, two), o = line(b, DTYPE_UINT32, flat);
  random_bits(&k, &o);
}
static void rope(lz_dtype d, bool traditional) {
  static int32_t shape[] = {4, 32, 1024, 128}, start = 7;
  static int64_t strides[] = {32 * 1024 * 128, 1024 * 128, 128, 1};
  lz_view x = {a, d, 4, shape, strides}, o = {b, d, 4, shape, strides};
  lz_view offset = {&start, DTYPE_INT32, 0, NULL, NULL};
  rope_spec spec = {128, traditional, 10000, 1, true};
  rope_run(&x, &offset, NULL, &spec, &o);
}
static void bench_rope(void) {
  rope(DTYPE_FLOAT32, false);
}
static void bench_rope_traditional(void) {
  rope(DTYPE_FLOAT32, true);
}
static void bench_rope_f16(void) {
  rope(DTYPE_FLOAT16, false);
}

static const struct {
  const char* name;
  void (*run)(void);
  double bytes;
} cases[] = {
#define CASE(name, bytes) \
  { #name, bench_##name, bytes }
    CASE(read, 4.0 * SIZE),
    CASE(sum_rows, 4.0 * SIZE),
    CASE(sum_cols, 4.0 * SIZE),
    CASE(sum_all, 4.0 * SIZE),
    CASE(max_rows, 4.0 * SIZE),
    CASE(max_cols, 4.0 * SIZE),
    CASE(sum_rows_f16, 2.0 * SIZE),
    CASE(sum_cols_bf16, 2.0 * SIZE),
    CASE(sum_rows_i8, 1.0 * SIZE),
    CASE(argmax_rows, 4.0 * SIZE),
    CASE(argmax_cols, 4.0 * SIZE),
    CASE(softmax_rows, 8.0 * SIZE),
    CASE(softmax_cols, 8.0 * SIZE),
    CASE(softmax_rows_f16, 4.0 * SIZE),
    CASE(softmax_cols_f16, 4.0 * SIZE),
    CASE(logsumexp, 4.0 * SIZE),
    CASE(logsumexp_cols, 4.0 * SIZE),
    CASE(layer_norm, 8.0 * SIZE),
    CASE(rms_norm, 8.0 * SIZE),
    CASE(rms_norm_f16, 4.0 * SIZE),
    CASE(layer_norm_vjp, 12.0 * SIZE),
    CASE(sort_1m, 8.0 * MILLION),
    CASE(argsort_1m, 8.0 * MILLION),
    CASE(sort_1m_i64, 16.0 * MILLION),
    CASE(sort_rows_64, 8.0 * MILLION),
    CASE(argsort_rows_64, 8.0 * MILLION),
    CASE(sort_rows_1024, 8.0 * MILLION),
    CASE(argsort_rows_1024, 8.0 * MILLION),
    CASE(partition_1m, 8.0 * MILLION),
    CASE(argpartition_1m, 8.0 * MILLION),
    CASE(cumsum_rows, 8.0 * SIZE),
    CASE(cumsum_rows_reverse, 8.0 * SIZE),
    CASE(cumsum_cols, 8.0 * SIZE),
    CASE(cumsum_16m, 8.0 * SIZE),
    CASE(cummax_rows, 8.0 * SIZE),
    CASE(logcumsumexp_rows, 8.0 * SIZE),
    CASE(gather_rows, 8.0 * SIZE),
    CASE(gather_elements, 12.0 * MILLION),
    CASE(take_along, 12.0 * MILLION),
    CASE(scatter_add_rows, 12.0 * SIZE),
    CASE(scatter_add_elements, 16.0 * MILLION),
    CASE(random_bits, 4.0 * SIZE),
    CASE(rope, 8.0 * SIZE),
    CASE(rope_traditional, 8.0 * SIZE),
    CASE(rope_f16, 4.0 * SIZE),
};

static double median_of(void (*run)(void)) {
  double t[RUNS];
  run();
  for (int i = 0; i < RUNS; i++) {
    t[i] = now();
    run();
    t[i] = now() - t[i];
  }
  qsort(t, RUNS, sizeof *t, by_value);
  return t[RUNS / 2];
}

int main(int argc, char** argv) {
  a = aligned_alloc(64, 4 * (size_t)SIZE);
  b = aligned_alloc(64, 4 * (size_t)SIZE);
  c = aligned_alloc(64, 4 * (size_t)SIZE);
  indices = aligned_alloc(64, 4 * (size_t)MILLION);
  if (!a || !b || !c || !indices) return 1;
  uint64_t s = 88172645463325252u;
  for (int64_t i = 0; i < SIZE; i++) {
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    ((float*)a)[i] = (float)(s >> 40) * 0x1p-24f * 4 - 2;
    if (i < MILLION) indices[i] = (uint32_t)(s >> 33) % 1024;
    if (i < SIDE) params[i] = 1;
  }
  memset(b, 0, 4 * (size_t)SIZE);
  memset(c, 0, 4 * (size_t)SIZE);
  if (pool_threads() == 1) timer = CLOCK_PROCESS_CPUTIME_ID;
  printf("%s, %d threads\n", isa_name(isa_get()), pool_threads());
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (argc > 1 && !strstr(cases[i].name, argv[1])) continue;
    /* in turn with the read, so that both see the same machine */
    double read = median_of(bench_read), t = median_of(cases[i].run);
    double read_rate = 4.0 * SIZE / read, rate = cases[i].bytes / t;
    printf(
        "%-22s %9.3f ms %7.2f GB/s %5.0f %% of read (%.1f)\n",
        cases[i].name,
        t * 1e3,
        rate * 1e-9,
        100 * rate / read_rate,
        read_rate * 1e-9);
  }
  return 0;
}
