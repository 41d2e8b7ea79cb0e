/* A perceptron of 784, 512 and 10 units learns classes of made-up images: what
 * a step of training costs, and nothing else.
 *
 *   mlp [--compile] [STEPS [BATCH]]     200 steps of 256 unless told
 *
 * Exits with 1 where the loss did not fall. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mlx/c/mlx.h"

enum { PIXELS = 784, HIDDEN = 512, CLASSES = 10, PARAMETERS = 4 };

static const float rate = 0.1f;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static mlx_array element(mlx_vector_array of, size_t i) {
  mlx_array out = mlx_array_new();
  mlx_vector_array_get(&out, of, i);
  return out;
}

/* Numbers from -bound to bound, drawn with keys[which]. */
static mlx_array drawn(
    mlx_array keys,
    int which,
    int rows,
    int columns,
    float bound,
    mlx_stream s) {
  const int shape[] = {rows, columns};
  mlx_array out = mlx_array_new(), key = mlx_array_new();
  mlx_array index = mlx_array_new_int(which);
  mlx_array low = mlx_array_new_float(-bound),
            high = mlx_array_new_float(bound);
  mlx_take_axis(&key, keys, index, 0, s);
  mlx_random_uniform(&out, low, high, shape, 2, MLX_FLOAT32, key, s);
  mlx_array_free(high);
  mlx_array_free(low);
  mlx_array_free(index);
  mlx_array_free(key);
  return out;
}

static mlx_array zeros(int size, mlx_stream s) {
  mlx_array out = mlx_array_new();
  mlx_zeros(&out, &size, 1, MLX_FLOAT32, s);
  return out;
}

/* Images of noise, and as labels the greatest of ten fixed views of each. */
static void images(
    mlx_array keys, int batch, mlx_array* x, mlx_array* labels, mlx_stream s) {
  *x = drawn(keys, 2, batch, PIXELS, 1.0f, s);
  mlx_array views = drawn(keys, 3, PIXELS, CLASSES, 1.0f, s);
  mlx_array seen = mlx_array_new();
  *labels = mlx_array_new();
  mlx_matmul(&seen, *x, views, s);
  mlx_argmax_axis(labels, seen, -1, true, s);
  mlx_array_free(seen);
  mlx_array_free(views);
}

/* (w1, b1, w2, b2, x, labels) -> mean cross-entropy */
static int loss(
    mlx_vector_array* out, const mlx_vector_array in, void* stream) {
  mlx_stream s = *(mlx_stream*)stream;
  mlx_array a[PARAMETERS + 2], zero = mlx_array_new_float(0.0f);
  for (size_t i = 0; i < PARAMETERS + 2; i++) a[i] = element(in, i);
  mlx_array hidden = mlx_array_new(), logits = mlx_array_new();
  mlx_array all = mlx_array_new(), right = mlx_array_new();
  mlx_addmm(&hidden, a[1], a[4], a[0], 1.0f, 1.0f, s);
  mlx_maximum(&hidden, hidden, zero, s);
  mlx_addmm(&logits, a[3], hidden, a[2], 1.0f, 1.0f, s);
  mlx_logsumexp_axis(&all, logits, -1, true, s);
  mlx_take_along_axis(&right, logits, a[5], -1, s);
  mlx_subtract(&all, all, right, s);
  mlx_mean(&all, all, false, s);
  *out = mlx_vector_array_new_value(all);
  mlx_array_free(right);
  mlx_array_free(all);
  mlx_array_free(logits);
  mlx_array_free(hidden);
  for (size_t i = 0; i < PARAMETERS + 2; i++) mlx_array_free(a[i]);
  mlx_array_free(zero);
  return 0;
}

typedef struct trainer {
  mlx_stream stream;
  mlx_closure_value_and_grad gradient;
} trainer;

/* (w1, b1, w2, b2, x, labels) -> the first four moved, and the loss */
static int step(mlx_vector_array* out, const mlx_vector_array in, void* known) {
  const trainer* t = known;
  mlx_vector_array value = mlx_vector_array_new();
  mlx_vector_array gradients = mlx_vector_array_new();
  mlx_array by = mlx_array_new_float(rate);
  *out = mlx_vector_array_new();
  mlx_closure_value_and_grad_apply(&value, &gradients, t->gradient, in);
  for (size_t i = 0; i < PARAMETERS; i++) {
    mlx_array p = element(in, i), g = element(gradients, i);
    mlx_multiply(&g, g, by, t->stream);
    mlx_subtract(&p, p, g, t->stream);
    mlx_vector_array_append_value(*out, p);
    mlx_array_free(g);
    mlx_array_free(p);
  }
  mlx_array last = element(value, 0);
  mlx_vector_array_append_value(*out, last);
  mlx_array_free(last);
  mlx_array_free(by);
  mlx_vector_array_free(gradients);
  mlx_vector_array_free(value);
  return 0;
}

/* One step on the whole batch; returns the seconds. */
static double train(
    mlx_closure run, mlx_array* p, mlx_array x, mlx_array labels, float* last) {
  double begin = now();
  mlx_vector_array in = mlx_vector_array_new_data(p, PARAMETERS);
  mlx_vector_array out = mlx_vector_array_new();
  mlx_vector_array_append_value(in, x);
  mlx_vector_array_append_value(in, labels);
  for (int i = 0; i < PARAMETERS; i++) mlx_array_free(p[i]);
  mlx_closure_apply(&out, run, in);
  mlx_vector_array_free(in);
  mlx_eval(out); /* trigger: eval, step */
  for (size_t i = 0; i < PARAMETERS; i++) p[i] = element(out, i);
  mlx_array value = element(out, PARAMETERS);
  mlx_array_item_float32(last, value);
  mlx_array_free(value);
  mlx_vector_array_free(out);
  return now() - begin;
}

static int compare(const void* a, const void* b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

int main(int argc, char** argv) {
  int numbers[] = {200, 256}, count = 0, compiled = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--compile"))
      compiled = 1;
    else if (count < 2)
      numbers[count++] = atoi(argv[i]);
  }
  int steps = numbers[0], batch = numbers[1];
  double* times = steps > 0 ? calloc((size_t)steps, sizeof *times) : NULL;
  if (!times || batch < 1) {
    fprintf(stderr, "usage: mlp [--compile] [STEPS [BATCH]]\n");
    return 2;
  }

  trainer t = {mlx_default_cpu_stream_new(), mlx_closure_value_and_grad_new()};
  const int argnums[PARAMETERS] = {0, 1, 2, 3};
  mlx_closure function = mlx_closure_new_func_payload(loss, &t.stream, NULL);
  mlx_closure run = mlx_closure_new_func_payload(step, &t, NULL);
  mlx_value_and_grad(&t.gradient, function, argnums, PARAMETERS);
  if (compiled) mlx_compile(&run, run, false);

  mlx_array key = mlx_array_new(), keys = mlx_array_new(), x, labels;
  mlx_random_key(&key, 1);
  mlx_random_split_num(&keys, key, 4, t.stream);
  mlx_array p[PARAMETERS] = {
      drawn(keys, 0, PIXELS, HIDDEN, sqrtf(6.0f / PIXELS), t.stream),
      zeros(HIDDEN, t.stream),
      drawn(keys, 1, HIDDEN, CLASSES, sqrtf(3.0f / HIDDEN), t.stream),
      zeros(CLASSES, t.stream)};
  images(keys, batch, &x, &labels, t.stream);
  mlx_array_eval(labels);

  float first = 0.0f, last = 0.0f;
  for (int i = 0; i < steps; i++) {
    times[i] = train(run, p, x, labels, &last);
    if (i == 0) first = last;
  }
  qsort(times, (size_t)steps, sizeof *times, compare);
  size_t peak = 0;
  mlx_get_peak_memory(&peak);
  printf(
      "trained: loss %.4f to %.4f, %d steps, median %.3f ms, peak %.2f MB\n",
      (double)first,
      (double)last,
      steps,
      times[steps / 2] * 1e3,
      (double)peak / 1e6);

  for (int i = 0; i < PARAMETERS; i++) mlx_array_free(p[i]);
  mlx_array_free(labels);
  mlx_array_free(x);
  mlx_array_free(keys);
  mlx_array_free(key);
  mlx_closure_free(run);
  mlx_closure_free(function);
  mlx_closure_value_and_grad_free(t.gradient);
  mlx_stream_free(t.stream);
  free(times);
  return steps > 1 && !(last < first);
}
