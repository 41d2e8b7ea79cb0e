/* Our side of the comparison: a program on mlx-c, and the machine's own limits
 * ("limit …": plain loops over every core, oneDNN's matmul). Handles of
 * intermediates are let go before the evaluation, as Python would. */
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mlx/c/mlx.h"
#include "worker.h"

enum { HELD_MOST = 64 };

static mlx_stream stream;
static mlx_array x, y, z, mask, square, vector_, half, one, tiny;
static mlx_array left[3], right[3]; /* of f32, f16, bf16 */
static mlx_array pixels, classes, weights, bias;

/* ---- expressions ---- */
static mlx_array held[HELD_MOST];
static int n_held;

static mlx_array hold(mlx_array a) {
  if (n_held == HELD_MOST) abort();
  return held[n_held++] = a;
}

static void release(void) {
  while (n_held) mlx_array_free(held[--n_held]);
}

static mlx_array number(float value) {
  return hold(mlx_array_new_float(value));
}

static mlx_array unary(
    int (*f)(mlx_array *, const mlx_array, const mlx_stream), mlx_array a) {
  mlx_array out = mlx_array_new();
  f(&out, a, stream);
  return hold(out);
}

static mlx_array binary(
    int (*f)(mlx_array *, const mlx_array, const mlx_array, const mlx_stream),
    mlx_array a,
    mlx_array b) {
  mlx_array out = mlx_array_new();
  f(&out, a, b, stream);
  return hold(out);
}

static mlx_array along(
    int (*f)(mlx_array *, const mlx_array, int, bool, const mlx_stream),
    mlx_array a,
    int axis) {
  mlx_array out = mlx_array_new();
  f(&out, a, axis, false, stream);
  return hold(out);
}

/* Evaluates the arrays, all in one; they are new handles. */
static void finish(mlx_array a, mlx_array b, mlx_array c, int n) {
  const mlx_array all[] = {a, b, c};
  mlx_vector_array outputs = mlx_vector_array_new_data(all, (size_t)n);
  release();
  mlx_eval(outputs);
  mlx_vector_array_free(outputs);
}

static void finish_one(mlx_array a) {
  finish(a, a, a, 1);
}

/* ---- inputs ---- */
static mlx_array normal(int rows, int columns) {
  static uint64_t seed;
  const int shape[] = {rows, columns};
  mlx_array out = mlx_array_new(), key = mlx_array_new();
  mlx_random_key(&key, ++seed);
  mlx_random_normal(&out, shape, 2, MLX_FLOAT32, 0, 1, key, stream);
  mlx_array_eval(out);
  mlx_array_free(key);
  return out;
}

static mlx_array cast(mlx_array a, mlx_dtype d) {
  mlx_array out = mlx_array_new();
  mlx_astype(&out, a, d, stream);
  mlx_array_eval(out);
  return out;
}

static mlx_array row(mlx_array a, int width) {
  mlx_array out = mlx_array_new();
  mlx_reshape(&out, a, &width, 1, stream);
  mlx_array_eval(out);
  return out;
}

static void prepare(void) {
  static const mlx_dtype kinds[] = {MLX_FLOAT32, MLX_FLOAT16, MLX_BFLOAT16};
  stream = mlx_default_cpu_stream_new();
  square = normal(SIDE, SIDE);
  x = row(hold(normal(SIDE, SIDE)), ELEMENTS);
  y = row(hold(normal(SIDE, SIDE)), ELEMENTS);
  z = row(hold(normal(SIDE, SIDE)), ELEMENTS);
  mask = cast(binary(mlx_greater, x, number(0)), MLX_BOOL);
  vector_ = normal(SIDE, 1);
  half = cast(x, MLX_BFLOAT16);
  one = cast(number(1), MLX_FLOAT32);
  tiny = row(hold(normal(1, 8)), 8);
  for (int i = 0; i < 3; i++) {
    left[i] = cast(hold(normal(MATMUL, MATMUL)), kinds[i]);
    right[i] = cast(hold(normal(MATMUL, MATMUL)), kinds[i]);
  }
  pixels = normal(BATCH, PIXELS);
  classes = normal(BATCH, CLASSES);
  weights = normal(PIXELS, CLASSES);
  bias = row(hold(normal(1, CLASSES)), CLASSES);
  release();
}

/* ---- large arrays ---- */
static void add(void) {
  finish_one(binary(mlx_add, x, y));
}
static void transposed(void) {
  mlx_array out = mlx_array_new();
  mlx_array turned = unary(mlx_transpose, square);
  mlx_contiguous(&out, turned, false, stream);
  finish_one(hold(out));
}
static void cast_down(void) {
  mlx_array out = mlx_array_new();
  mlx_astype(&out, x, MLX_BFLOAT16, stream);
  finish_one(hold(out));
}
static void cast_up(void) {
  mlx_array out = mlx_array_new();
  mlx_astype(&out, half, MLX_FLOAT32, stream);
  finish_one(hold(out));
}
static void where(void) {
  mlx_array out = mlx_array_new();
  mlx_where(&out, mask, x, y, stream);
  finish_one(hold(out));
}
static void exponential(void) {
  finish_one(unary(mlx_exp, x));
}
static void tangent(void) {
  finish_one(unary(mlx_tanh, x));
}
static void error_function(void) {
  finish_one(unary(mlx_erf, x));
}

static void gelu(void) {
  mlx_array e = unary(mlx_erf, binary(mlx_multiply, x, number(0.70710678f)));
  mlx_array f = binary(mlx_add, e, number(1));
  mlx_array h = binary(mlx_multiply, x, number(0.5f));
  finish_one(binary(mlx_multiply, h, f));
}

/* x: parameter, y: gradient, z: first moment, and their squares' moment. */
static void adam(void) {
  mlx_array m = binary(
      mlx_add,
      binary(mlx_multiply, z, number(0.9f)),
      binary(mlx_multiply, y, number(0.1f)));
  mlx_array v = binary(
      mlx_add,
      binary(mlx_multiply, binary(mlx_multiply, z, z), number(0.999f)),
      binary(mlx_multiply, binary(mlx_multiply, y, y), number(0.001f)));
  mlx_array d = binary(mlx_add, unary(mlx_sqrt, v), number(1e-8f));
  mlx_array step = binary(mlx_divide, m, d);
  mlx_array p =
      binary(mlx_subtract, x, binary(mlx_multiply, step, number(1e-3f)));
  finish(p, m, v, 3);
}

#define ALONG(name, function)               \
  static void name##_rows(void) {           \
    finish_one(along(function, square, 1)); \
  }                                         \
  static void name##_columns(void) {        \
    finish_one(along(function, square, 0)); \
  }
ALONG(softmax, mlx_softmax_axis)
ALONG(logsumexp, mlx_logsumexp_axis)
ALONG(sum, mlx_sum_axis)
ALONG(max, mlx_max_axis)
ALONG(argmax, mlx_argmax_axis)

static void matmul_f32(void) {
  finish_one(binary(mlx_matmul, left[0], right[0]));
}
static void matmul_f16(void) {
  finish_one(binary(mlx_matmul, left[1], right[1]));
}
static void matmul_bf16(void) {
  finish_one(binary(mlx_matmul, left[2], right[2]));
}
static void matvec(void) {
  finish_one(binary(mlx_matmul, square, vector_));
}

#include "calls.h"
#include "structured.h"

/* ---- a training step: as tests/programs/digits.c has it ---- */
static mlx_array descend(mlx_array value, mlx_array gradient) {
  mlx_array step = binary(mlx_multiply, gradient, number(1e-6f));
  return binary(mlx_subtract, value, step);
}

static void train(void) {
  mlx_array logits = mlx_array_new(), mean = mlx_array_new();
  mlx_addmm(&logits, bias, pixels, weights, 1, 1, stream);
  mlx_array probs = along(mlx_softmax_axis, hold(logits), -1);
  mlx_array likely =
      along(mlx_sum_axis, binary(mlx_multiply, probs, classes), -1);
  mlx_array logs = unary(mlx_log, binary(mlx_add, likely, number(1e-9f)));
  mlx_mean(&mean, logs, false, stream);
  mlx_array loss = unary(mlx_negative, hold(mean));
  mlx_array error =
      binary(mlx_divide, binary(mlx_subtract, probs, classes), number(BATCH));
  mlx_array dw = binary(mlx_matmul, unary(mlx_transpose, pixels), error);
  mlx_array db = along(mlx_sum_axis, error, 0);
  mlx_array w = descend(weights, dw), b = descend(bias, db);
  mlx_array_set(&weights, w);
  mlx_array_set(&bias, b);
  finish(w, b, loss, 3);
}

/* ---- tiny nodes ---- */
static mlx_array chain(int length) {
  mlx_array a = mlx_array_new();
  mlx_array_set(&a, tiny);
  for (int i = 0; i < length; i++) mlx_add(&a, a, one, stream);
  return a;
}

static double build(void) {
  double total = 0;
  for (int i = 0; i < 20; i++) {
    double begin = worker_now();
    mlx_array a = chain(CHAIN);
    total += worker_now() - begin;
    mlx_array_free(a);
  }
  return total / (20.0 * CHAIN);
}

static double chain_of(int length, int times) {
  double begin = worker_now();
  for (int i = 0; i < times; i++) {
    mlx_array a = chain(length);
    mlx_array_eval(a);
    mlx_array_free(a);
  }
  return (worker_now() - begin) / times / length;
}

static double chains(void) {
  return chain_of(CHAIN, 10);
}
static double long_chain(void) {
  return chain_of(LONG_CHAIN, 1);
}
static double single(void) {
  return chain_of(1, SINGLES);
}

/* ---- the machine's own limits ---- */
static float *own_a, *own_b, *own_c;

/* Of large pages, as the allocator's are. */
static float *own_floats(size_t bytes) {
  void *p = aligned_alloc(1 << 21, bytes);
  if (!p) abort();
  madvise(p, bytes, MADV_HUGEPAGE);
  return p;
}

static void own_memory(void) {
  const size_t bytes = (size_t)ELEMENTS * sizeof(float);
  if (own_a) return;
  own_a = own_floats(bytes);
  own_b = own_floats(bytes);
  own_c = own_floats(bytes);
#pragma omp parallel for
  for (int i = 0; i < ELEMENTS; i++) own_a[i] = own_b[i] = own_c[i] = 1.0f;
}

static void limit_add(void) {
  own_memory();
#pragma omp parallel for simd
  for (int i = 0; i < ELEMENTS; i++) own_c[i] = own_a[i] + own_b[i];
}

/* Sums enough that memory is what it waits for, not the adder. */
static void limit_read(void) {
  enum { LANES = 128 };
  own_memory();
  float sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (int block = 0; block < ELEMENTS / SIDE; block++) {
    const float *at = own_a + (size_t)block * SIDE;
    float lanes[LANES] = {0};
    for (int i = 0; i < SIDE; i += LANES)
#pragma omp simd
      for (int l = 0; l < LANES; l++) lanes[l] += at[i + l];
    for (int l = 0; l < LANES; l++) sum += lanes[l];
  }
  own_c[0] = sum;
}

static void limit_matmul(void) {
  const int n = MATMUL;
  own_memory();
  dnnl_sgemm('N', 'N', n, n, n, 1, own_a, n, own_b, n, 0, own_c, n);
}

static const worker_case cases[] = {
#define CASE(name, function) {name, function, NULL},
#define TIMED(name, function) {name, NULL, function},
#include "cases.def"
    {"limit add", limit_add, NULL},
    {"limit read", limit_read, NULL},
    {"limit matmul", limit_matmul, NULL},
};

int main(void) {
  prepare();
  return worker_serve(cases, sizeof cases / sizeof *cases);
}
