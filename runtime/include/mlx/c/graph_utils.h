/* Pictures of a graph of arrays. */
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

LAZULI_API mlx_node_namer mlx_node_namer_new();

LAZULI_API int mlx_node_namer_free(mlx_node_namer namer);

LAZULI_API int mlx_node_namer_set_name(
    mlx_node_namer namer,
    const mlx_array arr,
    const char* name);

LAZULI_API int mlx_node_namer_get_name(
    const char** name,
    mlx_node_namer namer,
    const mlx_array arr);

LAZULI_API int mlx_export_to_dot(
    FILE* os,
    const mlx_node_namer namer,
    const mlx_vector_array outputs);

LAZULI_API int mlx_print_graph(
    FILE* os,
    const mlx_node_namer namer,
    const mlx_vector_array outputs);

#ifdef __cplusplus
}
#endif

#endif
