/* Bandwidth of programs relative to a plain threaded add in the same run, and
 * the fixed cost of tiny programs. Bytes are those of inputs and outputs.
 *
 *   bench_elementwise [rounds]     medians of interleaved rounds (default 7) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/copy.h"
#include "cpu/isa.h"
#include "cpu/program.h"
#include "stream/pool.h"

enum { ELEMENTS = 16 << 20, SIDE = 4096, ROUNDS_MAX = 101, STEPS_MAX = 16 };

/* With one thread (LAZULI_THREADS=1) its own time, which others on the machine
 * disturb less. */
static double now(void) {
  struct timespec t;
  clock_gettime(
      pool_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static float *stream_a, *stream_b, *stream_c;

static void stream_part(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)ctx, (void)worker;
  const float* restrict a = stream_a, * restrict b = stream_b;
  float* restrict c = stream_c;
  for (int64_t i = begin; i < end; i++) c[i] = a[i] + b[i];
}

static void stream_add(void) {
  pool_for(ELEMENTS, 1 << 16, stream_part, NULL);
}

/* ---- cases ---- */
typedef struct step {
  ew_op op;
  lz_dtype from, to;
  int a, b, c;
} step;

typedef struct bench {
  const char* name;
  lz_dtype in[3];
  int n_inputs, n_steps;
  step steps[STEPS_MAX];
  enum { PLAIN, TRANSPOSED, ROW, COLUMN, SCALAR, NARROW } second;
} bench;

#define F32 DTYPE_FLOAT32
#define F16 DTYPE_FLOAT16
#define BF16 DTYPE_BFLOAT16
#define UNARY(name, op, d) \
  { name, {d}, 1, 1, {{op, d, d, 0, 0, 0}}, PLAIN }
#define BINARY(name, op, d, second) \
  { name, {d, d}, 2, 1, {{op, d, d, 0, 1, 0}}, second }

static const bench benches[] = {
    BINARY("add f32", EW_ADD, F32, PLAIN),
    BINARY("add f16", EW_ADD, F16, PLAIN),
    BINARY("add bf16", EW_ADD, BF16, PLAIN),
    BINARY("add i32", EW_ADD, DTYPE_INT32, PLAIN),
    BINARY("add i8", EW_ADD, DTYPE_INT8, PLAIN),
    BINARY("add f64", EW_ADD, DTYPE_FLOAT64, PLAIN),
    BINARY("multiply c64", EW_MULTIPLY, DTYPE_COMPLEX64, PLAIN),
    BINARY("add f32, scalar", EW_ADD, F32, SCALAR),
    BINARY("add f32, row", EW_ADD, F32, ROW),
    BINARY("add f32, column", EW_ADD, F32, COLUMN),
    BINARY("add f32, column, rows of 8", EW_ADD, F32, NARROW),
    BINARY("add f32, transposed", EW_ADD, F32, TRANSPOSED),
    BINARY("add f16, transposed", EW_ADD, F16, TRANSPOSED),
    BINARY("remainder f32", EW_REMAINDER, F32, PLAIN),
    BINARY("power f32", EW_POWER, F32, PLAIN),
    {"greater f32",
     {F32, F32},
     2,
     1,
     {{EW_GREATER, F32, DTYPE_BOOL, 0, 1, 0}},
     PLAIN},
    UNARY("exp f32", EW_EXP, F32),
    UNARY("log f32", EW_LOG, F32),
    UNARY("sin f32", EW_SIN, F32),
    UNARY("tanh f32", EW_TANH, F32),
    UNARY("erf f32", EW_ERF, F32),
    UNARY("sigmoid f32", EW_SIGMOID, F32),
    UNARY("erfinv f32", EW_ERFINV, F32),
    UNARY("exp f16", EW_EXP, F16),
    UNARY("exp bf16", EW_EXP, BF16),
    UNARY("exp f64", EW_EXP, DTYPE_FLOAT64),
    {"f32 to bf16", {F32}, 1, 1, {{EW_ASTYPE, F32, BF16, 0, 0, 0}}, PLAIN},
    {"bf16 to f32", {BF16}, 1, 1, {{EW_ASTYPE, BF16, F32, 0, 0, 0}}, PLAIN},
    {"f16 to f32", {F16}, 1, 1, {{EW_ASTYPE, F16, F32, 0, 0, 0}}, PLAIN},
    {"i32 to f32",
     {DTYPE_INT32},
     1,
     1,
     {{EW_ASTYPE, DTYPE_INT32, F32, 0, 0, 0}},
     PLAIN},
    {"u8 to f32",
     {DTYPE_UINT8},
     1,
     1,
     {{EW_ASTYPE, DTYPE_UINT8, F32, 0, 0, 0}},
     PLAIN},
    {"relu((a+b)*c)",
     {F32, F32, F32},
     3,
     3,
     {{EW_ADD, F32, F32, 0, 1, 0},
      {EW_MULTIPLY, F32, F32, 3, 2, 0},
      {EW_MAXIMUM, F32, F32, 4, 4, 0}},
     PLAIN},
    /* x/2 (1 + erf(x/√2)), with constants taken from the input's own. */
    {"gelu by erf",
     {F32},
     1,
     5,
     {{EW_MULTIPLY, F32, F32, 0, 0, 0},
      {EW_ERF, F32, F32, 1, 0, 0},
      {EW_ADD, F32, F32, 2, 0, 0},
      {EW_MULTIPLY, F32, F32, 3, 0, 0},
      {EW_MULTIPLY, F32, F32, 4, 0, 0}},
     PLAIN},
    {"gelu by tanh",
     {F32},
     1,
     8,
     {{EW_MULTIPLY, F32, F32, 0, 0, 0},
      {EW_MULTIPLY, F32, F32, 1, 0, 0},
      {EW_ADD, F32, F32, 2, 0, 0},
      {EW_MULTIPLY, F32, F32, 3, 3, 0},
      {EW_TANH, F32, F32, 4, 0, 0},
      {EW_ADD, F32, F32, 5, 5, 0},
      {EW_MULTIPLY, F32, F32, 6, 0, 0},
      {EW_MULTIPLY, F32, F32, 7, 7, 0}},
     PLAIN},
    {"silu bf16",
     {BF16},
     1,
     2,
     {{EW_SIGMOID, BF16, BF16, 0, 0, 0}, {EW_MULTIPLY, BF16, BF16, 1, 0, 0}},
     PLAIN},
};
enum { BENCHES = sizeof benches / sizeof *benches };

static char* memory[4];

typedef struct ready {
  lz_program p;
  lz_instr instrs[STEPS_MAX];
  uint16_t output;
  int32_t shape[2];
  int64_t strides[4][2];
  lz_view views[4];
  double bytes;
} ready;

static void prepare(const bench* b, ready* r) {
  memset(r, 0, sizeof *r);
  uint8_t dtypes[3];
  int rows = SIDE, columns = ELEMENTS / SIDE;
  if (b->second == NARROW) {
    columns = 8;
    rows = ELEMENTS / columns;
  }
  r->shape[0] = rows;
  r->shape[1] = columns;
  for (int i = 0; i < b->n_inputs; i++) {
    dtypes[i] = (uint8_t)b->in[i];
    int64_t outer = columns, inner = 1, n = ELEMENTS;
    if (i == 1 && b->second == TRANSPOSED) outer = 1, inner = rows;
    if (i == 1 && b->second == ROW) outer = 0, n = columns;
    if (i == 1 && (b->second == COLUMN || b->second == NARROW))
      outer = 1, inner = 0, n = rows;
    if (i == 1 && b->second == SCALAR) outer = inner = 0, n = 1;
    r->strides[i][0] = outer;
    r->strides[i][1] = inner;
    r->views[i] = (lz_view){memory[i], b->in[i], 2, r->shape, r->strides[i]};
    r->bytes += (double)n * (double)dtype_size(b->in[i]);
  }
  for (int i = 0; i < b->n_steps; i++) {
    const step* s = &b->steps[i];
    r->instrs[i] = (lz_instr){
        (uint16_t)s->op,
        (uint8_t)s->from,
        (uint8_t)s->to,
        (uint16_t)(b->n_inputs + i),
        {(uint16_t)s->a, (uint16_t)s->b, (uint16_t)s->c}};
  }
  lz_dtype out = b->steps[b->n_steps - 1].to;
  r->output = (uint16_t)(b->n_inputs + b->n_steps - 1);
  r->strides[3][0] = columns;
  r->strides[3][1] = 1;
  r->views[3] = (lz_view){memory[3], out, 2, r->shape, r->strides[3]};
  r->bytes += (double)ELEMENTS * (double)dtype_size(out);
  r->p = (lz_program){
      .n_inputs = b->n_inputs,
      .n_outputs = 1,
      .n_instrs = b->n_steps,
      .instrs = r->instrs,
      .output_registers = &r->output};
  if (program_finish(&r->p, dtypes, r->instrs, &r->output)) {
    fprintf(stderr, "%s: program refused\n", b->name);
    exit(1);
  }
}

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return x < y ? -1 : x > y;
}
static double median(double* t, int n) {
  qsort(t, (size_t)n, sizeof *t, by_value);
  return t[n / 2];
}

/* Values between -3 and 3 in any type: bits alone might be denormal. */
static void fill_input(int i, lz_dtype d) {
  size_t size = dtype_size(d);
  for (int k = 0; k < 4096; k++) {
    double x = (k * 2654435761u % 6000) / 1000.0 - 3;
    dtype_store(
        d,
        memory[i] + (size_t)k * size,
        dtype_is_inexact(d) ? x : (double)(int)x);
  }
  for (size_t k = 4096; k < ELEMENTS; k += 4096)
    memcpy(memory[i] + k * size, memory[i], 4096 * size);
}

static void bench_large(int rounds) {
  static double stream[ROUNDS_MAX], own[ROUNDS_MAX];
  printf("%-28s %8s %8s %6s\n", "", "GB/s", "stream", "ratio");
  for (int k = 0; k < BENCHES; k++) {
    ready r;
    prepare(&benches[k], &r);
    for (int i = 0; i < benches[k].n_inputs; i++)
      fill_input(i, benches[k].in[i]);
    for (int round = -1; round < rounds; round++) {
      double t0 = now();
      stream_add();
      double t1 = now();
      program_run(&r.p, 2, r.shape, r.views, &r.views[3]);
      double t2 = now();
      if (round < 0) continue;
      stream[round] = t1 - t0;
      own[round] = t2 - t1;
    }
    double s = 12.0 * ELEMENTS / median(stream, rounds);
    double o = r.bytes / median(own, rounds);
    printf("%-28s %8.2f %8.2f %6.2f\n", benches[k].name, o, s, o / s);
  }
}

static void bench_copies(int rounds) {
  static const struct {
    const char* name;
    lz_dtype from, to;
    bool transposed;
  } copies[] = {
      {"copy f32", F32, F32, false},
      {"copy f32, transposing", F32, F32, true},
      {"copy f16, transposing", F16, F16, true},
      {"copy u8, transposing", DTYPE_UINT8, DTYPE_UINT8, true},
      {"copy c64, transposing", DTYPE_COMPLEX64, DTYPE_COMPLEX64, true},
      {"copy f32 to bf16, transp.", F32, BF16, true},
  };
  static double stream[ROUNDS_MAX], own[ROUNDS_MAX];
  for (size_t k = 0; k < sizeof copies / sizeof *copies; k++) {
    int32_t shape[2] = {SIDE, ELEMENTS / SIDE};
    int64_t plain[2] = {shape[1], 1}, other[2] = {1, shape[0]};
    lz_view from = {
        memory[0],
        copies[k].from,
        2,
        shape,
        copies[k].transposed ? other : plain};
    lz_view to = {memory[3], copies[k].to, 2, shape, plain};
    for (int round = -1; round < rounds; round++) {
      double t0 = now();
      stream_add();
      double t1 = now();
      copy_run(&to, &from);
      double t2 = now();
      if (round < 0) continue;
      stream[round] = t1 - t0;
      own[round] = t2 - t1;
    }
    double s = 12.0 * ELEMENTS / median(stream, rounds);
    double o = (double)ELEMENTS *
               (double)(dtype_size(from.dtype) + dtype_size(to.dtype)) /
               median(own, rounds);
    printf("%-28s %8.2f %8.2f %6.2f\n", copies[k].name, o, s, o / s);
  }
}

/* Chains of k adds on n elements: what a call costs. */
static void bench_tiny(int rounds) {
  enum { CALLS = 20000 };
  static const int sizes[] = {1, 8, 100, 1000, 10000};
  static const int lengths[] = {1, 4, 16};
  for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
    for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++) {
      int k = lengths[b];
      lz_instr instrs[STEPS_MAX];
      uint8_t dtypes[2] = {F32, F32};
      for (int i = 0; i < k; i++)
        instrs[i] = (lz_instr){
            EW_ADD,
            F32,
            F32,
            (uint16_t)(2 + i),
            {(uint16_t)(i ? 1 + i : 0), 1, 0}};
      uint16_t output = (uint16_t)(1 + k);
      lz_program p = {
          .n_inputs = 2,
          .n_outputs = 1,
          .n_instrs = k,
          .instrs = instrs,
          .output_registers = &output};
      if (program_finish(&p, dtypes, instrs, &output)) exit(1);
      int32_t shape[1] = {sizes[a]};
      int64_t strides[1] = {1};
      lz_view in[2] = {
          {memory[0], F32, 1, shape, strides},
          {memory[1], F32, 1, shape, strides}};
      lz_view out = {memory[3], F32, 1, shape, strides};
      static double t[ROUNDS_MAX];
      for (int round = 0; round < rounds; round++) {
        int calls = CALLS / (1 + sizes[a] / 100);
        double start = now();
        for (int c = 0; c < calls; c++) program_run(&p, 1, shape, in, &out);
        t[round] = (now() - start) / calls;
      }
      printf(
          "%6d elements, %2d adds: %9.1f ns\n", sizes[a], k, median(t, rounds));
    }
}

int main(int argc, char** argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 7;
  if (rounds < 1 || rounds > ROUNDS_MAX) rounds = 7;
  for (int i = 0; i < 4; i++) {
    if (posix_memalign((void**)&memory[i], 4096, (size_t)ELEMENTS * 8))
      return 1;
    memset(memory[i], 0, (size_t)ELEMENTS * 8);
  }
  float* stream[3];
  for (int i = 0; i < 3; i++) {
    if (posix_memalign((void**)&stream[i], 4096, (size_t)ELEMENTS * 4))
      return 1;
    memset(stream[i], 0, (size_t)ELEMENTS * 4);
  }
  stream_a = stream[0], stream_b = stream[1], stream_c = stream[2];
  printf("%s, %d threads\n", isa_name(isa_get()), pool_threads());
  bench_large(rounds);
  bench_copies(rounds);
  bench_tiny(rounds);
  return 0;
}
