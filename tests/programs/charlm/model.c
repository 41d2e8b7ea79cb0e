/* A transformer with norms before its blocks and rotary positions. */
#include <math.h>
#include <stdio.h>

#include "charlm.h"

/* The parameters in their order: the embedding, those of each layer, the last
 * norm, the head. */
enum layer_parameter {
  ATTENTION_NORM,
  QUERY,
  KEY,
  VALUE,
  ATTENTION_OUT,
  MLP_NORM,
  UP,
  UP_BIAS,
  DOWN,
  DOWN_BIAS
};

typedef struct model_parameter {
  const char* name;
  int rows, columns; /* columns 0: a vector */
  /* Drawn from -bound to bound; 0: `constant` everywhere. */
  double bound, constant;
} model_parameter;

static const float norm_epsilon = 1e-5f;

int model_parameters(const model* m) {
  return 3 + MODEL_IN_LAYER * m->layers;
}

/* A matrix that keeps the deviation of what goes through it; those that write
 * to the residual stream share it among all of them. */
static model_parameter matrix(
    const char* name, int rows, int columns, int sharers) {
  return (model_parameter){
      name, rows, columns, sqrt(3 / ((double)rows * sharers)), 0};
}

static model_parameter vector(const char* name, int size, double constant) {
  return (model_parameter){name, size, 0, 0, constant};
}

static model_parameter model_describe(const model* m, int parameter) {
  int dim = m->dim, wide = 4 * dim, writers = 2 * m->layers;
  if (parameter == 0)
    return (model_parameter){
        "embedding", m->vocabulary, dim, sqrt(3 / (double)dim), 0};
  if (parameter == model_parameters(m) - 2) return vector("norm", dim, 1);
  if (parameter == model_parameters(m) - 1)
    return matrix("head", dim, m->vocabulary, 1);
  switch ((enum layer_parameter)((parameter - 1) % MODEL_IN_LAYER)) {
    case ATTENTION_NORM:
      return vector("attention_norm", dim, 1);
    case QUERY:
      return matrix("query", dim, dim, 1);
    case KEY:
      return matrix("key", dim, dim, 1);
    case VALUE:
      return matrix("value", dim, dim, 1);
    case ATTENTION_OUT:
      return matrix("attention_out", dim, dim, writers);
    case MLP_NORM:
      return vector("mlp_norm", dim, 1);
    case UP:
      return matrix("up", dim, wide, 1);
    case UP_BIAS:
      return vector("up_bias", wide, 0);
    case DOWN:
      return matrix("down", wide, dim, writers);
    case DOWN_BIAS:
      break;
  }
  return vector("down_bias", dim, 0);
}

void model_name(char out[MODEL_NAME], const model* m, int parameter) {
  const char* name = model_describe(m, parameter).name;
  if (parameter == 0 || parameter >= model_parameters(m) - 2)
    snprintf(out, MODEL_NAME, "%s", name);
  else
    snprintf(
        out,
        MODEL_NAME,
        "layers.%d.%s",
        (parameter - 1) / MODEL_IN_LAYER,
        name);
}

void model_init(
    const model* m, uint64_t seed, mlx_array* parameters, mlx_stream s) {
  int count = model_parameters(m);
  mlx_array root = mlx_array_new(), keys = mlx_array_new();
  mlx_random_key(&root, seed);
  mlx_random_split_num(&keys, root, count, s);
  for (int i = 0; i < count; i++) {
    model_parameter p = model_describe(m, i);
    const int shape[] = {p.rows, p.columns};
    size_t axes = p.columns ? 2 : 1;
    parameters[i] = mlx_array_new();
    if (p.bound > 0) {
      float bound = (float)p.bound;
      mlx_array key = mlx_array_new(), which = mlx_array_new_int(i);
      mlx_array low = mlx_array_new_float(-bound);
      mlx_array high = mlx_array_new_float(bound);
      mlx_take_axis(&key, keys, which, 0, s);
      mlx_random_uniform(
          &parameters[i], low, high, shape, axes, MLX_FLOAT32, key, s);
      mlx_array_free(high);
      mlx_array_free(low);
      mlx_array_free(which);
      mlx_array_free(key);
    } else {
      mlx_array value = mlx_array_new_float((float)p.constant);
      mlx_full(&parameters[i], shape, axes, value, MLX_FLOAT32, s);
      mlx_array_free(value);
    }
  }
  mlx_vector_array all = mlx_vector_array_new_data(parameters, (size_t)count);
  mlx_eval(all); /* trigger: eval, parameters */
  mlx_vector_array_free(all);
  mlx_array_free(keys);
  mlx_array_free(root);
}

static mlx_array norm(expr* e, mlx_array x, mlx_array weight) {
  mlx_array out = mlx_array_new();
  mlx_fast_rms_norm(&out, x, weight, norm_epsilon, e->stream);
  return expr_keep(e, out);
}

/* x w + b */
static mlx_array affine(expr* e, mlx_array x, mlx_array w, mlx_array b) {
  mlx_array out = mlx_array_new();
  mlx_addmm(&out, b, x, w, 1.0f, 1.0f, e->stream);
  return expr_keep(e, out);
}

/* x (1 + erf(x / sqrt 2)) / 2 */
static mlx_array gelu(expr* e, mlx_array x) {
  mlx_array error = expr_of(e, mlx_erf, expr_scaled(e, x, sqrt(0.5)));
  mlx_array share = expr_of_two(e, mlx_add, error, expr_number(e, 1));
  return expr_of_two(e, mlx_multiply, expr_scaled(e, x, 0.5), share);
}

static mlx_array rope(expr* e, mlx_array x, int width, int position) {
  const mlx_optional_float base = {10000.0f, true};
  const mlx_array none = {0};
  mlx_array out = mlx_array_new();
  mlx_fast_rope(&out, x, width, false, base, 1.0f, position, none, e->stream);
  return expr_keep(e, out);
}

/* (batch, length, dim) -> (batch, heads, length, width), or back. */
static mlx_array split_heads(const model* m, expr* e, mlx_array x) {
  const int order[] = {0, 2, 1, 3};
  const int shape[] = {
      mlx_array_dim(x, 0), mlx_array_dim(x, 1), m->heads, m->dim / m->heads};
  return expr_transpose(e, expr_reshape(e, x, shape, 4), order, 4);
}

static mlx_array join_heads(const model* m, expr* e, mlx_array x) {
  const int order[] = {0, 2, 1, 3};
  const int shape[] = {mlx_array_dim(x, 0), mlx_array_dim(x, 2), m->dim};
  return expr_reshape(e, expr_transpose(e, x, order, 4), shape, 3);
}

/* Writes `fresh` into *kept from `position` on; returns what of it the last
 * token sees. */
static mlx_array remember(
    const model* m, expr* e, mlx_array* kept, mlx_array fresh, int position) {
  int heads = m->heads, width = m->dim / heads;
  int end = position + mlx_array_dim(fresh, 2);
  int begin = end > m->context ? end - m->context : 0;
  const int stride[] = {1, 1, 1, 1}, stop[] = {1, heads, end, width};
  const int from[] = {0, 0, position, 0}, seen[] = {0, 0, begin, 0};
  mlx_array out = mlx_array_new();
  mlx_slice_update(kept, *kept, fresh, from, 4, stop, 4, stride, 4, e->stream);
  mlx_slice(&out, *kept, seen, 4, stop, 4, stride, 4, e->stream);
  return expr_keep(e, out);
}

static mlx_array attend(
    const model* m,
    expr* e,
    const mlx_array* w,
    mlx_array x,
    model_cache* cache,
    int position) {
  const mlx_array none = {0};
  int width = m->dim / m->heads;
  mlx_array q = split_heads(m, e, expr_of_two(e, mlx_matmul, x, w[QUERY]));
  mlx_array k = split_heads(m, e, expr_of_two(e, mlx_matmul, x, w[KEY]));
  mlx_array v = split_heads(m, e, expr_of_two(e, mlx_matmul, x, w[VALUE]));
  q = rope(e, q, width, position);
  k = rope(e, k, width, position);
  if (cache) {
    k = remember(m, e, &cache->keys, k, position);
    v = remember(m, e, &cache->values, v, position);
  }
  const char* mask = mlx_array_dim(q, 2) > 1 ? "causal" : "";
  float scale = (float)(1 / sqrt((double)width));
  mlx_array out = mlx_array_new();
  mlx_fast_scaled_dot_product_attention(
      &out, q, k, v, scale, mask, none, none, e->stream);
  out = join_heads(m, e, expr_keep(e, out));
  return expr_of_two(e, mlx_matmul, out, w[ATTENTION_OUT]);
}

/* Everything below the head. */
static mlx_array model_body(
    const model* m,
    expr* e,
    const mlx_array* parameters,
    mlx_array tokens,
    model_cache* caches,
    int position) {
  mlx_array x = mlx_array_new();
  mlx_take_axis(&x, parameters[0], tokens, 0, e->stream);
  expr_keep(e, x);
  for (int i = 0; i < m->layers; i++) {
    const mlx_array* w = parameters + 1 + MODEL_IN_LAYER * i;
    model_cache* cache = caches ? &caches[i] : NULL;
    mlx_array normal = norm(e, x, w[ATTENTION_NORM]);
    mlx_array seen = attend(m, e, w, normal, cache, position);
    x = expr_of_two(e, mlx_add, x, seen);
    normal = norm(e, x, w[MLP_NORM]);
    mlx_array wide = gelu(e, affine(e, normal, w[UP], w[UP_BIAS]));
    mlx_array thought = affine(e, wide, w[DOWN], w[DOWN_BIAS]);
    x = expr_of_two(e, mlx_add, x, thought);
  }
  return norm(e, x, parameters[model_parameters(m) - 2]);
}

mlx_array model_logits(
    const model* m, expr* e, const mlx_array* parameters, mlx_array tokens) {
  mlx_array x = model_body(m, e, parameters, tokens, NULL, 0);
  mlx_array head = parameters[model_parameters(m) - 1];
  return expr_of_two(e, mlx_matmul, x, head);
}

mlx_array model_next(
    const model* m,
    expr* e,
    const mlx_array* parameters,
    mlx_array tokens,
    model_cache* caches,
    int position) {
  mlx_array x = model_body(m, e, parameters, tokens, caches, position);
  int length = mlx_array_dim(x, 1);
  const int start[] = {0, length - 1, 0}, stride[] = {1, 1, 1};
  const int stop[] = {1, length, m->dim}, row[] = {1, m->dim};
  mlx_array last = mlx_array_new();
  mlx_slice(&last, x, start, 3, stop, 3, stride, 3, e->stream);
  last = expr_reshape(e, expr_keep(e, last), row, 2);
  mlx_array head = parameters[model_parameters(m) - 1];
  return expr_of_two(e, mlx_matmul, last, head);
}
