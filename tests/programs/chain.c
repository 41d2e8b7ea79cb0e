/* relu((a + b) * c), then once each thing that makes a lazy runtime compute,
 * every one on a line of its own with its name in a comment.
 *
 *   chain [--gpu] [N]     N floats an array, 16777216 unless told
 *
 * Exits with 1 where a value is not what plain C says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlx/c/mlx.h"

static float value_a(int i) {
  return (float)(i % 1000) / 100.0f - 5.0f;
}
static float value_b(int i) {
  return (float)(i % 7) - 3.0f;
}
static float value_c(int i) {
  return (float)(i % 3) + 0.5f;
}

static float value_y(int i) {
  float y = (value_a(i) + value_b(i)) * value_c(i);
  return y > 0.0f ? y : 0.0f;
}

static mlx_array filled(int n, float (*value)(int)) {
  float* data = malloc((size_t)n * sizeof(float));
  if (!data) {
    fprintf(stderr, "chain: no memory for %d floats\n", n);
    exit(1);
  }
  for (int i = 0; i < n; i++) data[i] = value(i);
  /* Next line: the program's own memory. */
  return mlx_array_new_data_managed(data, &n, 1, MLX_FLOAT32, free);
}

static mlx_array relu_of_chain(
    mlx_array a, mlx_array b, mlx_array c, mlx_stream s) {
  mlx_array sum = mlx_array_new();
  mlx_array product = mlx_array_new();
  mlx_array zero = mlx_array_new_float(0.0f);
  mlx_array y = mlx_array_new();
  mlx_add(&sum, a, b, s);            /* build: add */
  mlx_multiply(&product, sum, c, s); /* build: multiply */
  mlx_maximum(&y, product, zero, s); /* build: maximum */
  mlx_array_free(zero);
  mlx_array_free(product);
  mlx_array_free(sum);
  return y;
}

/* The first eight values of y, times `factor`: small, new and not computed. */
static mlx_array head(mlx_array y, float factor, mlx_stream s) {
  mlx_array few = mlx_array_new();
  mlx_array scale = mlx_array_new_float(factor);
  mlx_array out = mlx_array_new();
  int start = 0, stop = 8, stride = 1;
  mlx_slice(&few, y, &start, 1, &stop, 1, &stride, 1, s);
  mlx_multiply(&out, few, scale, s);
  mlx_array_free(scale);
  mlx_array_free(few);
  return out;
}

static void eval_chain(mlx_array y) {
  mlx_vector_array outputs = mlx_vector_array_new_value(y);
  mlx_eval(outputs); /* trigger: eval */
  mlx_vector_array_free(outputs);
}

static void start_async(mlx_array y) {
  mlx_vector_array outputs = mlx_vector_array_new_value(y);
  mlx_async_eval(outputs); /* trigger: async_eval */
  mlx_vector_array_free(outputs);
}

static int check(const char* what, const float* got, int n, float factor) {
  for (int i = 0; i < n; i++) {
    float want = value_y(i) * factor;
    if (!got || fabsf(got[i] - want) > 1e-5f * fmaxf(1.0f, fabsf(want))) {
      fprintf(
          stderr,
          "chain: %s: [%d] is %g, not %g\n",
          what,
          i,
          got ? (double)got[i] : NAN,
          (double)want);
      return 1;
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  int n = 16 << 20, gpu = 0, failed = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--gpu"))
      gpu = 1;
    else
      n = atoi(argv[i]);
  }
  if (n < 8) {
    fprintf(stderr, "usage: chain [--gpu] [N], N at least 8\n");
    return 2;
  }
  mlx_stream s =
      gpu ? mlx_default_gpu_stream_new() : mlx_default_cpu_stream_new();
  mlx_array a = filled(n, value_a);
  mlx_array b = filled(n, value_b);
  mlx_array c = filled(n, value_c);

  mlx_array y = relu_of_chain(a, b, c, s);
  eval_chain(y);
  failed |= check("eval", mlx_array_data_float32(y), n, 1.0f);

  mlx_array largest = mlx_array_new();
  mlx_max(&largest, y, false, s);
  float top = -1.0f, want = 0.0f;
  mlx_array_item_float32(&top, largest); /* trigger: item */
  for (int i = 0; i < n; i++) want = fmaxf(want, value_y(i));
  printf("largest of %d: %g\n", n, (double)top);
  failed |= fabsf(top - want) > 1e-5f * want;
  mlx_array_free(largest);

  mlx_array doubled = head(y, 2.0f, s);
  const float* data = mlx_array_data_float32(doubled); /* trigger: data */
  failed |= check("data", data, 8, 2.0f);
  mlx_array_free(doubled);

  mlx_array tripled = head(y, 3.0f, s);
  mlx_string text = mlx_string_new();
  mlx_array_tostring(&text, tripled); /* trigger: print */
  printf("three times the first eight: %s\n", mlx_string_data(text));
  mlx_string_free(text);
  mlx_array_free(tripled);

  mlx_array halved = head(y, 0.5f, s);
  char path[] = "/tmp/chain-XXXXXX.npy";
  int file = mkstemps(path, 4);
  if (file < 0) {
    perror("chain: /tmp");
    return 1;
  }
  close(file);
  mlx_save(path, halved); /* trigger: save */
  unlink(path);
  mlx_array_free(halved);

  mlx_array tenfold = head(y, 10.0f, s);
  start_async(tenfold);
  failed |= check("async_eval", mlx_array_data_float32(tenfold), 8, 10.0f);
  mlx_array_free(tenfold);

  mlx_array_free(y);
  mlx_array_free(c);
  mlx_array_free(b);
  mlx_array_free(a);
  mlx_stream_free(s);
  return failed;
}
