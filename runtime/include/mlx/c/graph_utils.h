/* Pictures of a graph of arrays, as it is before evaluation: an array that
 * has been evaluated is an input. Nothing is computed. */
#ifndef MLX_C_GRAPH_UTILS_H
#define MLX_C_GRAPH_UTILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/string.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_node_namer_ {
  void* ctx;
} mlx_node_namer;

/* Names go with the array, not with the handle. Arrays without a name are
 * called A, B ... Z, AA, AB ... in the order in which they are asked for. */
LAZULI_API mlx_node_namer mlx_node_namer_new();

LAZULI_API int mlx_node_namer_free(mlx_node_namer namer);

LAZULI_API int mlx_node_namer_set_name(
    mlx_node_namer namer, const mlx_array arr, const char* name);

/* *name is owned by the namer and valid until the array is named anew. */
LAZULI_API int mlx_node_namer_get_name(
    const char** name, mlx_node_namer namer, const mlx_array arr);

/* Writes the graph under outputs in Graphviz's language. namer is not
 * changed; what it does not name is named for this call. */
LAZULI_API int mlx_export_to_dot(
    FILE* os, const mlx_node_namer namer, const mlx_vector_array outputs);

/* Writes the graph as text: inputs, outputs, then a line for each operation. */
LAZULI_API int mlx_print_graph(
    FILE* os, const mlx_node_namer namer, const mlx_vector_array outputs);

#ifdef __cplusplus
}
#endif

#endif
