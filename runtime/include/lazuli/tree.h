/* Trees of arrays: maps and lists, nested, with arrays at the leaves. What a
 * model's parameters are, its optimiser's state, and their gradients.
 *
 *     lazuli_tree* model = lazuli_tree_new_map();
 *     lazuli_tree_set(model, "weight", lazuli_tree_new_array(w));
 *     lazuli_tree_flatten(model, &names, &arrays);   "layers.0.weight" …
 *
 * Leaves come in one order everywhere: maps in order of insertion, lists by
 * index. A tree owns its children and a reference on each array. A tree is
 * used by one thread at a time.
 *
 * Functions that return a tree return NULL, others non-zero, after telling the
 * error handler why. */
#ifndef LAZULI_TREE_H
#define LAZULI_TREE_H

#include <stddef.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lazuli_tree lazuli_tree;

typedef enum lazuli_tree_kind {
  LAZULI_TREE_ARRAY,
  LAZULI_TREE_LIST,
  LAZULI_TREE_MAP
} lazuli_tree_kind;

/* ---- building ------------------------------------------------------------ */

LAZULI_API lazuli_tree* lazuli_tree_new_array(const mlx_array a);
LAZULI_API lazuli_tree* lazuli_tree_new_list(void);
LAZULI_API lazuli_tree* lazuli_tree_new_map(void);
/* Frees the tree and all below it. Takes NULL. */
LAZULI_API void lazuli_tree_free(lazuli_tree* t);

/* Both take the child over, also on failure, so that a NULL child of a failed
 * call is an error here again. A key that is there gets the new child. A key
 * has no dot and is not empty. */
LAZULI_API int lazuli_tree_append(lazuli_tree* list, lazuli_tree* child);
LAZULI_API int lazuli_tree_set(
    lazuli_tree* map, const char* key, lazuli_tree* child);

/* ---- looking ------------------------------------------------------------- */

LAZULI_API lazuli_tree_kind lazuli_tree_kind_of(const lazuli_tree* t);
/* Children; of an array 0. */
LAZULI_API size_t lazuli_tree_size(const lazuli_tree* t);
/* Borrowed; NULL, without an error, where there is none. */
LAZULI_API lazuli_tree* lazuli_tree_child(const lazuli_tree* t, size_t index);
LAZULI_API lazuli_tree* lazuli_tree_find(
    const lazuli_tree* t, const char* path /* "layers.0.weight" */);
/* The key of a map's child, "" elsewhere. */
LAZULI_API const char* lazuli_tree_key(const lazuli_tree* t, size_t index);
/* Another handle of a leaf's array. */
LAZULI_API int lazuli_tree_get(mlx_array* res, const lazuli_tree* leaf);

/* ---- as a whole ---------------------------------------------------------- */

/* Paths and arrays of all leaves. The path of a tree that is a leaf is "".
 * Empty maps and lists leave no trace. keys may be NULL. */
LAZULI_API int lazuli_tree_flatten(
    const lazuli_tree* t, mlx_vector_string* keys, mlx_vector_array* arrays);
/* The tree of such paths. A level whose first key is a number is a list; what
 * is missing in between are empty maps. */
LAZULI_API lazuli_tree* lazuli_tree_unflatten(
    const mlx_vector_string keys, const mlx_vector_array arrays);
/* A tree of the same form with other leaves, in order. */
LAZULI_API lazuli_tree* lazuli_tree_with_leaves(
    const lazuli_tree* t, const mlx_vector_array arrays);
/* The same with f's results; f returns non-zero to end it. */
LAZULI_API lazuli_tree* lazuli_tree_map(
    const lazuli_tree* t,
    int (*f)(mlx_array* res, const mlx_array leaf, void* payload),
    void* payload);

#ifdef __cplusplus
}
#endif

#endif
