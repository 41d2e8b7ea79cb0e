/* A small language model over characters: what its files share.
 *
 * text.c reads the text and draws batches; expr.c keeps the handles of
 * intermediates; model.c is the transformer; train.c moves its parameters;
 * generate.c writes text with a cache of keys and values; charlm.c is the
 * command.
 *
 * Errors of the library end the program: its default handler prints and exits.
 */
#ifndef CHARLM_H
#define CHARLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/mlx.h"

/* ---- text.c ---- */
typedef struct text {
  int count; /* characters */
  int vocabulary;
  int32_t* tokens;         /* one a character, 0…vocabulary-1 */
  unsigned char sign[256]; /* token -> character, in ascending order */
  int16_t token_of[256];   /* character -> token, -1: does not occur */
} text;

/* 0, or 1 after one line on stderr: unreadable, or not longer than `least`
 * characters. */
int text_read(text* t, const char* path, int least);
void text_free(text* t);

/* Draws `batch` places of the text: inputs (batch, context) and, one character
 * on, targets. *state is the generator's and moves on. New handles. */
void text_batch(
    const text* t,
    uint32_t* state,
    int batch,
    int context,
    mlx_array* inputs,
    mlx_array* targets);

/* ---- expr.c ---- */
/* Handles of intermediates, let go together: nothing that a computation could
 * overwrite is held when it runs. */
typedef struct expr {
  mlx_stream stream;
  size_t count, room;
  mlx_array* held;
} expr;

typedef int expr_unary(mlx_array*, const mlx_array, const mlx_stream);
typedef int expr_binary(
    mlx_array*, const mlx_array, const mlx_array, const mlx_stream);

/* e becomes the owner of the handle a, and returns it. */
mlx_array expr_keep(expr* e, mlx_array a);
void expr_free(expr* e);

/* Results belong to e. */
mlx_array expr_of(expr* e, expr_unary* f, mlx_array a);
mlx_array expr_of_two(expr* e, expr_binary* f, mlx_array a, mlx_array b);
mlx_array expr_number(expr* e, double value);
mlx_array expr_scaled(expr* e, mlx_array a, double factor);
mlx_array expr_reshape(expr* e, mlx_array a, const int* shape, size_t axes);
mlx_array expr_transpose(expr* e, mlx_array a, const int* order, size_t axes);
mlx_array expr_element(expr* e, mlx_vector_array of, size_t i);

/* ---- model.c ---- */
enum { MODEL_IN_LAYER = 10, MODEL_NAME = 40 };

typedef struct model {
  int vocabulary, context, dim, layers, heads;
} model;

/* Keys and values of one layer, (1, heads, room, dim / heads) each. */
typedef struct model_cache {
  mlx_array keys, values;
} model_cache;

int model_parameters(const model* m);
void model_name(char out[MODEL_NAME], const model* m, int parameter);

/* Fresh parameters, the same for the same seed: new handles, all f32. */
void model_init(
    const model* m, uint64_t seed, mlx_array* parameters, mlx_stream s);

/* Logits (batch, length, vocabulary) of tokens (batch, length); e's. */
mlx_array model_logits(
    const model* m, expr* e, const mlx_array* parameters, mlx_array tokens);

/* Logits (1, vocabulary) of the character after tokens (1, length), the first
 * of which stands at `position`; what came before is in the caches, one a
 * layer, which take these in. No token sees further back than the model's
 * context. */
mlx_array model_next(
    const model* m,
    expr* e,
    const mlx_array* parameters,
    mlx_array tokens,
    model_cache* caches,
    int position);

/* ---- train.c ---- */
typedef struct train_options {
  int steps, batch, every; /* every: steps between two lines, 0: none */
  double rate;
  uint64_t seed;
  bool compile;
} train_options;

typedef struct train_result {
  float first, last;      /* losses */
  double seconds, median; /* of all steps; of one */
} train_result;

/* Moves the parameters: Adam on the mean cross-entropy. */
void train(
    const model* m,
    const text* t,
    const train_options* o,
    mlx_array* parameters,
    train_result* result,
    mlx_stream s);

/* ---- generate.c ---- */
typedef struct generate_options {
  const char* prompt; /* of characters of the text; not empty */
  int count;
  double temperature; /* 0: always the likeliest */
  uint64_t seed;
  bool quiet; /* writes nothing */
} generate_options;

/* Writes the prompt and `count` characters to stdout; returns the seconds. */
double generate(
    const model* m,
    const text* t,
    const generate_options* o,
    const mlx_array* parameters,
    mlx_stream s);

/* Seconds of a clock that only goes forward. */
double charlm_now(void);

#endif
