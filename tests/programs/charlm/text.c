#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charlm.h"

/* Each character that occurs is a token; tokens ascend as characters do. */
static void text_tokens(text* t, const unsigned char* bytes) {
  bool seen[256] = {false};
  for (int i = 0; i < t->count; i++) seen[bytes[i]] = true;
  t->vocabulary = 0;
  for (int c = 0; c < 256; c++) {
    t->token_of[c] = seen[c] ? (int16_t)t->vocabulary : -1;
    if (seen[c]) t->sign[t->vocabulary++] = (unsigned char)c;
  }
  for (int i = 0; i < t->count; i++) t->tokens[i] = t->token_of[bytes[i]];
}

int text_read(text* t, const char* path, int least) {
  enum { MOST = 1 << 28 };
  FILE* file = fopen(path, "rb");
  unsigned char* bytes = NULL;
  size_t count = 0, room = 0;
  *t = (text){0};
  if (!file) {
    perror(path);
    return 1;
  }
  for (;;) {
    if (count == room) {
      room = room ? 2 * room : 1 << 16;
      unsigned char* more = room <= MOST ? realloc(bytes, room) : NULL;
      if (!more) {
        fprintf(stderr, "%s: too long\n", path);
        goto failed;
      }
      bytes = more;
    }
    size_t n = fread(bytes + count, 1, room - count, file);
    if (!n) break;
    count += n;
  }
  if (ferror(file)) {
    perror(path);
    goto failed;
  }
  if (count <= (size_t)least) {
    fprintf(
        stderr,
        "%s: %zu characters, more than %d needed\n",
        path,
        count,
        least);
    goto failed;
  }
  t->count = (int)count;
  t->tokens = malloc(count * sizeof *t->tokens);
  if (!t->tokens) {
    fprintf(stderr, "%s: no memory\n", path);
    goto failed;
  }
  text_tokens(t, bytes);
  free(bytes);
  fclose(file);
  return 0;
failed:
  free(bytes);
  fclose(file);
  return 1;
}

void text_free(text* t) {
  free(t->tokens);
  *t = (text){0};
}

static uint32_t text_random(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

void text_batch(
    const text* t,
    uint32_t* state,
    int batch,
    int context,
    mlx_array* inputs,
    mlx_array* targets) {
  const int shape[] = {batch, context};
  size_t row = (size_t)context;
  int32_t* from = malloc((size_t)batch * row * sizeof *from);
  int32_t* to = malloc((size_t)batch * row * sizeof *to);
  if (!from || !to) {
    fprintf(stderr, "charlm: no memory for a batch\n");
    exit(1);
  }
  for (size_t b = 0; b < (size_t)batch; b++) {
    uint32_t places = (uint32_t)(t->count - context);
    const int32_t* at = t->tokens + text_random(state) % places;
    memcpy(from + b * row, at, row * sizeof *from);
    memcpy(to + b * row, at + 1, row * sizeof *to);
  }
  /* The arrays own the memory. */
  *inputs = mlx_array_new_data_managed(from, shape, 2, MLX_INT32, free);
  *targets = mlx_array_new_data_managed(to, shape, 2, MLX_INT32, free);
}
