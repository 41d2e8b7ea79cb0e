/* Text, one character at a time. The next character is being computed while
 * the one before it is read: a token goes from draw to embedding as an array
 * and nothing waits for its value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charlm.h"

typedef struct generator {
  const model* m;
  const mlx_array* parameters;
  double temperature;
  mlx_stream stream;
  model_cache* caches;
  mlx_array key; /* of the next draw */
  int position;  /* tokens in the caches */
} generator;

/* A token, (1, 1), drawn from logits (1, vocabulary). */
static mlx_array generate_draw(generator* g, expr* e, mlx_array logits) {
  const int shape[] = {1, 1};
  mlx_array token = mlx_array_new();
  if (g->temperature > 0) {
    mlx_array key = mlx_array_new();
    mlx_random_split(&g->key, &key, g->key, g->stream);
    logits = expr_scaled(e, logits, 1 / g->temperature);
    mlx_random_categorical(&token, logits, -1, key, g->stream);
    expr_keep(e, key);
  } else {
    mlx_argmax_axis(&token, logits, -1, false, g->stream);
  }
  return expr_reshape(e, expr_keep(e, token), shape, 2);
}

/* Begins computing the token after these; a new handle. */
static mlx_array generate_step(generator* g, mlx_array tokens) {
  expr e = {.stream = g->stream};
  mlx_array logits =
      model_next(g->m, &e, g->parameters, tokens, g->caches, g->position);
  mlx_array next = mlx_array_new();
  g->position += mlx_array_dim(tokens, 1);
  mlx_array_set(&next, generate_draw(g, &e, logits));
  expr_free(&e);
  mlx_vector_array begun = mlx_vector_array_new_value(next);
  mlx_async_eval(begun); /* trigger: async_eval, token */
  mlx_vector_array_free(begun);
  return next;
}

/* The last of the prompt that the model can see, (1, length). */
static mlx_array generate_prompt(
    const model* m, const text* t, const char* prompt) {
  size_t length = strlen(prompt), most = (size_t)m->context;
  if (length > most) prompt += length - most, length = most;
  int32_t tokens[length];
  const int shape[] = {1, (int)length};
  for (size_t i = 0; i < length; i++)
    tokens[i] = t->token_of[(unsigned char)prompt[i]];
  return mlx_array_new_data(tokens, shape, 2, MLX_INT32);
}

static void generate_caches(generator* g, int room) {
  const int shape[] = {1, g->m->heads, room, g->m->dim / g->m->heads};
  for (int i = 0; i < g->m->layers; i++) {
    g->caches[i] = (model_cache){mlx_array_new(), mlx_array_new()};
    mlx_zeros(&g->caches[i].keys, shape, 4, MLX_FLOAT32, g->stream);
    mlx_zeros(&g->caches[i].values, shape, 4, MLX_FLOAT32, g->stream);
  }
}

static void generate_write(const text* t, mlx_array token, bool quiet) {
  /* argmax and categorical give uint32. */
  uint32_t value = 0;
  mlx_array_item_uint32(&value, token); /* trigger: item, token */
  if (!quiet) putchar(t->sign[value]);
}

double generate(
    const model* m,
    const text* t,
    const generate_options* o,
    const mlx_array* parameters,
    mlx_stream s) {
  model_cache caches[m->layers];
  generator g = {
      .m = m,
      .parameters = parameters,
      .temperature = o->temperature,
      .stream = s,
      .caches = caches,
      .key = mlx_array_new()};
  mlx_array tokens = generate_prompt(m, t, o->prompt);
  generate_caches(&g, mlx_array_dim(tokens, 1) + o->count);
  mlx_random_key(&g.key, o->seed);
  if (!o->quiet) fputs(o->prompt, stdout);

  double begin = charlm_now();
  mlx_array token = generate_step(&g, tokens);
  for (int i = 0; i < o->count; i++) {
    mlx_array next = mlx_array_new();
    if (i + 1 < o->count) next = generate_step(&g, token);
    generate_write(t, token, o->quiet);
    mlx_array_free(token);
    token = next;
  }
  double seconds = charlm_now() - begin;
  if (!o->quiet) putchar('\n');

  mlx_array_free(tokens);
  mlx_array_free(g.key);
  for (int i = 0; i < m->layers; i++) {
    mlx_array_free(caches[i].keys);
    mlx_array_free(caches[i].values);
  }
  return seconds;
}
