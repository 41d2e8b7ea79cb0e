/* Causal attention out of its parts: matmul, scale, mask, softmax, matmul.
 *
 *   attention [--gpu] [BATCH HEADS LENGTH WIDTH]     2 8 512 64 unless told
 *
 * Exits with 1 where a row is not what plain C says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlx/c/mlx.h"

static int batch = 2, heads = 8, length = 512, width = 64;

/* Repeatable numbers in [-1, 1). */
static float noise(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static float* buffer(size_t n) {
  float* data = malloc(n * sizeof(float));
  if (!data) {
    fprintf(stderr, "attention: no memory for %zu floats\n", n);
    exit(1);
  }
  return data;
}

static float* noise_data(uint32_t seed) {
  size_t n = (size_t)batch * heads * length * width;
  float* data = buffer(n);
  for (size_t i = 0; i < n; i++) data[i] = noise(&seed);
  return data;
}

static mlx_array heads_of(const float* data) {
  const int shape[] = {batch, heads, length, width};
  return mlx_array_new_data(data, shape, 4, MLX_FLOAT32);
}

/* (length, length): 0 where a row may look, -1e9 where it may not. */
static mlx_array causal_mask(void) {
  const int shape[] = {length, length};
  float* data = buffer((size_t)length * length);
  for (int i = 0; i < length; i++)
    for (int j = 0; j < length; j++)
      data[(size_t)i * length + j] = j <= i ? 0.0f : -1e9f;
  return mlx_array_new_data_managed(data, shape, 2, MLX_FLOAT32, free);
}

static mlx_array attend(
    mlx_array q, mlx_array k, mlx_array v, mlx_array mask, mlx_stream s) {
  const int last_two[] = {0, 1, 3, 2};
  mlx_array turned = mlx_array_new(), scores = mlx_array_new();
  mlx_array scaled = mlx_array_new(), masked = mlx_array_new();
  mlx_array probs = mlx_array_new(), out = mlx_array_new();
  mlx_array scale = mlx_array_new_float(sqrtf((float)width));
  mlx_transpose_axes(&turned, k, last_two, 4, s);
  mlx_matmul(&scores, q, turned, s);             /* build: scores */
  mlx_divide(&scaled, scores, scale, s);         /* build: scaled */
  mlx_add(&masked, scaled, mask, s);             /* build: masked */
  mlx_softmax_axis(&probs, masked, -1, true, s); /* build: probs */
  mlx_matmul(&out, probs, v, s);                 /* build: out */
  mlx_array_free(scale);
  mlx_array_free(probs);
  mlx_array_free(masked);
  mlx_array_free(scaled);
  mlx_array_free(scores);
  mlx_array_free(turned);
  return out;
}

/* One row of the last head of the last batch, in doubles. */
static int check_row(
    const float* q, const float* k, const float* v, const float* out, int row) {
  size_t head = (size_t)(batch * heads - 1) * length * width;
  double* weights = malloc((size_t)length * sizeof(double));
  if (!weights) return 1;
  double top = -INFINITY, sum = 0.0;
  for (int j = 0; j <= row; j++) {
    double dot = 0.0;
    for (int d = 0; d < width; d++)
      dot += (double)q[head + (size_t)row * width + d] *
             k[head + (size_t)j * width + d];
    weights[j] = dot / sqrt(width);
    top = fmax(top, weights[j]);
  }
  for (int j = 0; j <= row; j++) sum += weights[j] = exp(weights[j] - top);
  int failed = 0;
  for (int d = 0; d < width; d++) {
    double want = 0.0;
    for (int j = 0; j <= row; j++)
      want += weights[j] / sum * v[head + (size_t)j * width + d];
    float got = out[head + (size_t)row * width + d];
    if (!(fabs(got - want) < 1e-4)) {
      fprintf(
          stderr,
          "attention: row %d, column %d is %g, not %g\n",
          row,
          d,
          (double)got,
          want);
      failed = 1;
      break;
    }
  }
  free(weights);
  return failed;
}

int main(int argc, char** argv) {
  int gpu = 0, failed = 0, numbers = 0;
  int* sizes[] = {&batch, &heads, &length, &width};
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--gpu"))
      gpu = 1;
    else if (numbers < 4)
      *sizes[numbers++] = atoi(argv[i]);
  }
  for (int i = 0; i < 4; i++) {
    if (*sizes[i] < 1) {
      fprintf(stderr, "usage: attention [--gpu] [BATCH HEADS LENGTH WIDTH]\n");
      return 2;
    }
  }
  mlx_stream s =
      gpu ? mlx_default_gpu_stream_new() : mlx_default_cpu_stream_new();
  float *q_data = noise_data(1), *k_data = noise_data(2),
        *v_data = noise_data(3);
  mlx_array q = heads_of(q_data), k = heads_of(k_data), v = heads_of(v_data);
  mlx_array mask = causal_mask();

  mlx_array out = attend(q, k, v, mask, s);
  mlx_array_eval(out); /* trigger: eval */

  const float* values = mlx_array_data_float32(out);
  if (!values) return 1;
  const int rows[] = {0, length / 2, length - 1};
  for (int i = 0; i < 3; i++)
    failed |= check_row(q_data, k_data, v_data, values, rows[i]);
  printf(
      "attention over %d x %d heads of %d x %d: %s\n",
      batch,
      heads,
      length,
      width,
      failed ? "wrong" : "as it should be");

  mlx_array_free(out);
  mlx_array_free(mask);
  mlx_array_free(v);
  mlx_array_free(k);
  mlx_array_free(q);
  mlx_stream_free(s);
  free(v_data);
  free(k_data);
  free(q_data);
  return failed;
}
