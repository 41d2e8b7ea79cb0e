/* Learns to read handwritten digits: logistic regression by stochastic gradient
 * descent, the gradients written out by hand.
 *
 *   digits [--gpu] [EPOCHS [DATA]]     20 epochs over tests/data unless told
 *
 * Every fifth digit is held back; exits with 1 unless more than 90 % of those
 * are read rightly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "mlx/c/mlx.h"

#ifndef DIGITS_DATA
#define DIGITS_DATA "tests/data/digits.csv.gz"
#endif

enum { PIXELS = 64, CLASSES = 10, BATCH = 96, MOST = 4096 };

typedef struct digit_set {
  int count;
  float pixels[MOST][PIXELS]; /* 0…1 */
  int32_t labels[MOST];
} digit_set;

static digit_set training, held_back;

static void digits_add(digit_set* set, const float* values) {
  int row = set->count++;
  for (int i = 0; i < PIXELS; i++) set->pixels[row][i] = values[i] / 16.0f;
  set->labels[row] = (int32_t)values[PIXELS];
}

static int digits_read(const char* path) {
  char line[PIXELS * 40];
  gzFile file = gzopen(path, "rb");
  if (!file) {
    perror(path);
    return 1;
  }
  for (int n = 0; n < MOST && gzgets(file, line, sizeof line); n++) {
    float values[PIXELS + 1];
    char* at = line;
    for (int i = 0; i <= PIXELS; i++) {
      char* end;
      values[i] = strtof(at, &end);
      if (end == at || !(values[i] >= 0.0f && values[i] <= 16.0f)) {
        fprintf(stderr, "%s:%d: field %d is no pixel\n", path, n + 1, i + 1);
        gzclose(file);
        return 1;
      }
      at = end + (*end == ',');
    }
    if (values[PIXELS] >= CLASSES) {
      fprintf(stderr, "%s:%d: %g is no digit\n", path, n + 1, values[PIXELS]);
      gzclose(file);
      return 1;
    }
    digits_add(n % 5 == 4 ? &held_back : &training, values);
  }
  gzclose(file);
  if (!training.count || !held_back.count) {
    fprintf(stderr, "%s: no digits in it\n", path);
    return 1;
  }
  return 0;
}

static mlx_array matrix(
    const void* data, int rows, int columns, mlx_dtype dtype) {
  const int shape[] = {rows, columns};
  return mlx_array_new_data(data, shape, 2, dtype);
}

static mlx_array element(mlx_vector_array of, size_t i) {
  mlx_array out = mlx_array_new();
  mlx_vector_array_get(&out, of, i);
  return out;
}

static mlx_array rows_of(mlx_array a, int from, int to, mlx_stream s) {
  const int start[] = {from, 0}, stride[] = {1, 1};
  const int stop[] = {to, mlx_array_dim(a, 1)};
  mlx_array out = mlx_array_new();
  mlx_slice(&out, a, start, 2, stop, 2, stride, 2, s);
  return out;
}

/* value -= rate * gradient */
static void descend(
    mlx_array* value, mlx_array gradient, float rate, mlx_stream s) {
  mlx_array factor = mlx_array_new_float(rate), step = mlx_array_new();
  mlx_multiply(&step, gradient, factor, s);
  mlx_subtract(value, *value, step, s);
  mlx_array_free(step);
  mlx_array_free(factor);
}

/* (w, b, x, labels (n, 1)) -> the mean cross-entropy of softmax(x w + b):
 * log sum exp of a row less the logit at its label. */
static int cross_entropy(
    mlx_vector_array* out, const mlx_vector_array in, void* stream) {
  mlx_stream s = *(mlx_stream*)stream;
  mlx_array w = element(in, 0), b = element(in, 1);
  mlx_array x = element(in, 2), labels = element(in, 3);
  mlx_array logits = mlx_array_new(), all = mlx_array_new();
  mlx_array right = mlx_array_new(), loss = mlx_array_new();
  mlx_addmm(&logits, b, x, w, 1.0f, 1.0f, s);
  mlx_logsumexp_axis(&all, logits, -1, true, s);
  mlx_take_along_axis(&right, logits, labels, -1, s);
  mlx_subtract(&loss, all, right, s);
  mlx_mean(&loss, loss, false, s);
  *out = mlx_vector_array_new_value(loss);
  mlx_array_free(loss);
  mlx_array_free(right);
  mlx_array_free(all);
  mlx_array_free(logits);
  mlx_array_free(labels);
  mlx_array_free(x);
  mlx_array_free(b);
  mlx_array_free(w);
  return 0;
}

/* One step: w and b move, and *loss becomes the batch's cross-entropy. */
static void train_step(
    mlx_closure_value_and_grad gradient,
    mlx_array* w,
    mlx_array* b,
    mlx_array* loss,
    mlx_array x,
    mlx_array labels,
    mlx_stream s) {
  const mlx_array known[] = {*w, *b, x, labels};
  mlx_vector_array in = mlx_vector_array_new_data(known, 4);
  mlx_vector_array value = mlx_vector_array_new();
  mlx_vector_array gradients = mlx_vector_array_new();
  mlx_closure_value_and_grad_apply(&value, &gradients, gradient, in);
  mlx_array dw = element(gradients, 0), db = element(gradients, 1);
  mlx_vector_array_get(loss, value, 0);
  descend(w, dw, 1.0f, s);
  descend(b, db, 1.0f, s);
  mlx_array_free(db);
  mlx_array_free(dw);
  mlx_vector_array_free(gradients);
  mlx_vector_array_free(value);
  mlx_vector_array_free(in);
}

/* The share of rows whose largest logit stands at their label. */
static float accuracy(
    mlx_array w, mlx_array b, const digit_set* set, mlx_stream s) {
  mlx_array x = matrix(set->pixels, set->count, PIXELS, MLX_FLOAT32);
  mlx_array labels = mlx_array_new_data(set->labels, &set->count, 1, MLX_INT32);
  mlx_array logits = mlx_array_new(), guess = mlx_array_new();
  mlx_array right = mlx_array_new(), share = mlx_array_new();
  float out = 0.0f;
  mlx_addmm(&logits, b, x, w, 1.0f, 1.0f, s);
  mlx_argmax_axis(&guess, logits, -1, false, s);
  mlx_equal(&right, guess, labels, s);
  mlx_astype(&right, right, MLX_FLOAT32, s);
  mlx_mean(&share, right, false, s);
  mlx_array_item_float32(&out, share); /* trigger: item, accuracy */
  mlx_array_free(share);
  mlx_array_free(right);
  mlx_array_free(guess);
  mlx_array_free(logits);
  mlx_array_free(labels);
  mlx_array_free(x);
  return out;
}

int main(int argc, char** argv) {
  const char* path = DIGITS_DATA;
  int epochs = 20, words = 0, gpu = 0;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--gpu"))
      gpu = 1;
    else if (words++ == 0)
      epochs = atoi(argv[i]);
    else
      path = argv[i];
  }
  if (epochs < 1) {
    fprintf(stderr, "usage: digits [--gpu] [EPOCHS [DATA]]\n");
    return 2;
  }
  if (digits_read(path)) return 1;

  mlx_stream s =
      gpu ? mlx_default_gpu_stream_new() : mlx_default_cpu_stream_new();
  mlx_array x = matrix(training.pixels, training.count, PIXELS, MLX_FLOAT32);
  mlx_array y = matrix(training.labels, training.count, 1, MLX_INT32);
  const int w_shape[] = {PIXELS, CLASSES}, b_shape[] = {CLASSES};
  mlx_array w = mlx_array_new(), b = mlx_array_new(), loss = mlx_array_new();
  mlx_zeros(&w, w_shape, 2, MLX_FLOAT32, s);
  mlx_zeros(&b, b_shape, 1, MLX_FLOAT32, s);
  const int argnums[] = {0, 1};
  mlx_closure function = mlx_closure_new_func_payload(cross_entropy, &s, NULL);
  mlx_closure_value_and_grad gradient = mlx_closure_value_and_grad_new();
  mlx_value_and_grad(&gradient, function, argnums, 2);

  for (int epoch = 0; epoch < epochs; epoch++) {
    for (int from = 0; from < training.count; from += BATCH) {
      int to = from + BATCH < training.count ? from + BATCH : training.count;
      mlx_array batch_x = rows_of(x, from, to, s);
      mlx_array batch_y = rows_of(y, from, to, s);
      train_step(gradient, &w, &b, &loss, batch_x, batch_y, s);
      mlx_vector_array state = mlx_vector_array_new();
      mlx_vector_array_append_value(state, w);
      mlx_vector_array_append_value(state, b);
      mlx_vector_array_append_value(state, loss);
      mlx_eval(state); /* trigger: eval, step */
      mlx_vector_array_free(state);
      mlx_array_free(batch_y);
      mlx_array_free(batch_x);
    }
    float value = 0.0f;
    mlx_array_item_float32(&value, loss);
    printf("epoch %d: loss %.4f\n", epoch + 1, (double)value);
    fflush(stdout);
  }

  float share = accuracy(w, b, &held_back, s);
  printf(
      "%d held back, %.1f %% read rightly\n",
      held_back.count,
      100.0 * (double)share);

  mlx_closure_value_and_grad_free(gradient);
  mlx_closure_free(function);
  mlx_array_free(loss);
  mlx_array_free(b);
  mlx_array_free(w);
  mlx_array_free(y);
  mlx_array_free(x);
  mlx_stream_free(s);
  return share > 0.9f ? 0 : 1;
}
