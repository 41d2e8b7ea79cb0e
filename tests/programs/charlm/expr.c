#include <stdio.h>
#include <stdlib.h>

#include "charlm.h"

mlx_array expr_keep(expr* e, mlx_array a) {
  if (e->count == e->room) {
    e->room = e->room ? 2 * e->room : 256;
    e->held = realloc(e->held, e->room * sizeof *e->held);
    if (!e->held) {
      fprintf(stderr, "charlm: no memory for %zu handles\n", e->room);
      exit(1);
    }
  }
  return e->held[e->count++] = a;
}

void expr_free(expr* e) {
  while (e->count) mlx_array_free(e->held[--e->count]);
  free(e->held);
  e->held = NULL;
  e->room = 0;
}

mlx_array expr_of(expr* e, expr_unary* f, mlx_array a) {
  mlx_array out = mlx_array_new();
  f(&out, a, e->stream);
  return expr_keep(e, out);
}

mlx_array expr_of_two(expr* e, expr_binary* f, mlx_array a, mlx_array b) {
  mlx_array out = mlx_array_new();
  f(&out, a, b, e->stream);
  return expr_keep(e, out);
}

mlx_array expr_number(expr* e, double value) {
  return expr_keep(e, mlx_array_new_float((float)value));
}

mlx_array expr_scaled(expr* e, mlx_array a, double factor) {
  return expr_of_two(e, mlx_multiply, a, expr_number(e, factor));
}

mlx_array expr_reshape(expr* e, mlx_array a, const int* shape, size_t axes) {
  mlx_array out = mlx_array_new();
  mlx_reshape(&out, a, shape, axes, e->stream);
  return expr_keep(e, out);
}

mlx_array expr_transpose(expr* e, mlx_array a, const int* order, size_t axes) {
  mlx_array out = mlx_array_new();
  mlx_transpose_axes(&out, a, order, axes, e->stream);
  return expr_keep(e, out);
}

mlx_array expr_element(expr* e, mlx_vector_array of, size_t i) {
  mlx_array out = mlx_array_new();
  mlx_vector_array_get(&out, of, i);
  return expr_keep(e, out);
}
