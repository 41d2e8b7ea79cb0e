#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "charlm.h"

static const double keep_mean = 0.9, keep_square = 0.999, epsilon = 1e-8;

/* What the closures know. */
typedef struct trainer {
  const model* m;
  mlx_stream stream;
  mlx_closure_value_and_grad gradient;
} trainer;

/* (parameters…, inputs, targets) -> mean cross-entropy */
static int train_loss(
    mlx_vector_array* out, const mlx_vector_array in, void* payload) {
  const trainer* t = payload;
  expr e = {.stream = t->stream};
  size_t count = (size_t)model_parameters(t->m);
  mlx_array parameters[count];
  for (size_t i = 0; i < count; i++) parameters[i] = expr_element(&e, in, i);
  mlx_array inputs = expr_element(&e, in, count);
  mlx_array targets = expr_element(&e, in, count + 1);

  mlx_array logits = model_logits(t->m, &e, parameters, inputs);
  mlx_array all = mlx_array_new(), column = mlx_array_new();
  mlx_array right = mlx_array_new(), loss = mlx_array_new();
  mlx_logsumexp_axis(&all, logits, -1, true, t->stream);
  mlx_expand_dims(&column, targets, -1, t->stream);
  mlx_take_along_axis(&right, logits, expr_keep(&e, column), -1, t->stream);
  expr_keep(&e, all);
  expr_keep(&e, right);
  mlx_mean(&loss, expr_of_two(&e, mlx_subtract, all, right), false, t->stream);
  *out = mlx_vector_array_new_value(expr_keep(&e, loss));
  expr_free(&e);
  return 0;
}

/* old * keep + fresh * (1 - keep) */
static mlx_array blend(expr* e, mlx_array old, mlx_array fresh, double keep) {
  return expr_of_two(
      e, mlx_add, expr_scaled(e, old, keep), expr_scaled(e, fresh, 1 - keep));
}

/* One step of Adam: (parameters…, means…, squares…, inputs, targets, rate) ->
 * the first three groups moved, and the loss. The rate is an array and holds
 * the correction for the first steps, so that no constant changes. */
static int train_step(
    mlx_vector_array* out, const mlx_vector_array in, void* payload) {
  const trainer* t = payload;
  expr e = {.stream = t->stream};
  size_t count = (size_t)model_parameters(t->m);
  mlx_vector_array known = mlx_vector_array_new();
  mlx_vector_array loss = mlx_vector_array_new();
  mlx_vector_array gradients = mlx_vector_array_new();
  mlx_array moved[3 * count + 1];
  for (size_t i = 0; i < count; i++)
    mlx_vector_array_append_value(known, expr_element(&e, in, i));
  for (size_t i = 3 * count; i < 3 * count + 2; i++)
    mlx_vector_array_append_value(known, expr_element(&e, in, i));
  mlx_closure_value_and_grad_apply(&loss, &gradients, t->gradient, known);

  mlx_array rate = expr_element(&e, in, 3 * count + 2);
  mlx_array tiny = expr_number(&e, epsilon);
  for (size_t i = 0; i < count; i++) {
    mlx_array g = expr_element(&e, gradients, i);
    mlx_array mean = expr_element(&e, in, count + i);
    mlx_array square = expr_element(&e, in, 2 * count + i);
    mean = blend(&e, mean, g, keep_mean);
    square = blend(&e, square, expr_of(&e, mlx_square, g), keep_square);
    mlx_array size =
        expr_of_two(&e, mlx_add, expr_of(&e, mlx_sqrt, square), tiny);
    mlx_array way = expr_of_two(
        &e, mlx_divide, expr_of_two(&e, mlx_multiply, rate, mean), size);
    moved[i] = expr_of_two(&e, mlx_subtract, expr_element(&e, in, i), way);
    moved[count + i] = mean;
    moved[2 * count + i] = square;
  }
  moved[3 * count] = expr_element(&e, loss, 0);
  *out = mlx_vector_array_new_data(moved, 3 * count + 1);
  mlx_vector_array_free(gradients);
  mlx_vector_array_free(loss);
  mlx_vector_array_free(known);
  expr_free(&e);
  return 0;
}

static void train_closures(trainer* t, mlx_closure* step, bool compile) {
  int count = model_parameters(t->m), argnums[count];
  for (int i = 0; i < count; i++) argnums[i] = i;
  mlx_closure loss = mlx_closure_new_func_payload(train_loss, t, NULL);
  t->gradient = mlx_closure_value_and_grad_new();
  mlx_value_and_grad(&t->gradient, loss, argnums, (size_t)count);
  mlx_closure_free(loss);
  *step = mlx_closure_new_func_payload(train_step, t, NULL);
  if (compile) {
    mlx_closure compiled = mlx_closure_new();
    mlx_compile(&compiled, *step, false);
    mlx_closure_free(*step);
    *step = compiled;
  }
}

/* The parameters and, all 0, their means and squares. */
static mlx_vector_array train_state(
    const mlx_array* parameters, size_t count, mlx_stream s) {
  mlx_vector_array state = mlx_vector_array_new_data(parameters, count);
  for (int group = 0; group < 2; group++)
    for (size_t i = 0; i < count; i++) {
      mlx_array zero = mlx_array_new();
      mlx_zeros_like(&zero, parameters[i], s);
      mlx_vector_array_append_value(state, zero);
      mlx_array_free(zero);
    }
  return state;
}

static double train_rate(double rate, int step) {
  double n = step + 1;
  return rate * sqrt(1 - pow(keep_square, n)) / (1 - pow(keep_mean, n));
}

/* *state moves on a step, its last element then is the loss. Nothing here
 * holds what the step replaces, so that it is overwritten in place. */
static void train_once(
    const text* text,
    const train_options* o,
    const model* m,
    int step,
    mlx_closure run,
    uint32_t* random,
    mlx_vector_array* state) {
  mlx_array batch[3];
  text_batch(text, random, o->batch, m->context, &batch[0], &batch[1]);
  batch[2] = mlx_array_new_float((float)train_rate(o->rate, step));
  mlx_vector_array_append_data(*state, batch, 3);
  for (int i = 0; i < 3; i++) mlx_array_free(batch[i]);

  mlx_vector_array moved = mlx_vector_array_new();
  mlx_closure_apply(&moved, run, *state);
  mlx_vector_array_free(*state);
  mlx_eval(moved); /* trigger: eval, step */
  *state = moved;
}

/* Takes the loss off the end of the state and reads it if it is wanted. */
static void train_take_loss(mlx_vector_array* state, size_t kept, float* loss) {
  mlx_array all[kept];
  for (size_t i = 0; i < kept; i++) {
    all[i] = mlx_array_new();
    mlx_vector_array_get(&all[i], *state, i);
  }
  if (loss) {
    mlx_array last = mlx_array_new();
    mlx_vector_array_get(&last, *state, kept);
    mlx_array_item_float32(loss, last);
    mlx_array_free(last);
  }
  mlx_vector_array_set_data(state, all, kept);
  for (size_t i = 0; i < kept; i++) mlx_array_free(all[i]);
}

static int train_compare(const void* a, const void* b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void train(
    const model* m,
    const text* text,
    const train_options* o,
    mlx_array* parameters,
    train_result* result,
    mlx_stream s) {
  size_t count = (size_t)model_parameters(m);
  trainer t = {.m = m, .stream = s};
  mlx_closure step;
  train_closures(&t, &step, o->compile);
  mlx_vector_array state = train_state(parameters, count, s);
  for (size_t i = 0; i < count; i++) mlx_array_free(parameters[i]);

  double* times = calloc((size_t)o->steps + 1, sizeof *times);
  uint32_t random = (uint32_t)o->seed;
  *result = (train_result){0};
  if (!times) exit(1);
  for (int i = 0; i < o->steps; i++) {
    bool told = o->every && (i % o->every == 0 || i == o->steps - 1);
    bool wanted = told || i == 0 || i == o->steps - 1;
    double begin = charlm_now();
    train_once(text, o, m, i, step, &random, &state);
    train_take_loss(&state, 3 * count, wanted ? &result->last : NULL);
    times[i] = charlm_now() - begin;
    result->seconds += times[i];
    if (i == 0) result->first = result->last;
    if (told) printf("step %d loss %.6f\n", i + 1, (double)result->last);
    fflush(stdout);
  }
  qsort(times, (size_t)o->steps, sizeof *times, train_compare);
  result->median = times[o->steps / 2];
  free(times);

  for (size_t i = 0; i < count; i++) {
    parameters[i] = mlx_array_new();
    mlx_vector_array_get(&parameters[i], state, i);
  }
  mlx_vector_array_free(state);
  mlx_closure_free(step);
  mlx_closure_value_and_grad_free(t.gradient);
}
