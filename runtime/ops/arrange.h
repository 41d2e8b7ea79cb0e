/* Rearranging and combining arrays: made of views, joins and products. */
#ifndef OPS_ARRANGE_H
#define OPS_ARRANGE_H

#include "core/array.h"
#include "core/list.h"

/* Ones put in until there are n axes, n from 1 to 3, where MLX puts them. */
lz_array* op_atleast(lz_array* a, int n, lz_stream* s);
lz_array* op_tile(lz_array* a, const int* reps, int n, lz_stream* s);
/* axis NULL: of the flattened array. */
lz_array* op_repeat(lz_array* a, int repeats, const int* axis, lz_stream* s);
/* n_axes < 0: of the flattened array, by the sum of the shifts. */
lz_array* op_roll(
    lz_array* a,
    const int* shift,
    int n_shifts,
    const int* axes,
    int n_axes,
    lz_stream* s);

/* Several results are appended to `out`, which gets references of its own.
 * Non-zero with a message on failure. */
int op_split(lz_array* a, int parts, int axis, lz_stream* s, lz_list* out);
int op_split_at(
    lz_array* a, const int* at, int n, int axis, lz_stream* s, lz_list* out);
int op_broadcast_arrays(
    lz_array* const* arrays, size_t n, lz_stream* s, lz_list* out);
/* indexing: "xy" or "ij". */
int op_meshgrid(
    lz_array* const* arrays,
    size_t n,
    bool sparse,
    const char* indexing,
    lz_stream* s,
    lz_list* out);

lz_array* op_outer(lz_array* a, lz_array* b, lz_stream* s);
lz_array* op_inner(lz_array* a, lz_array* b, lz_stream* s);
lz_array* op_kron(lz_array* a, lz_array* b, lz_stream* s);
lz_array* op_tensordot(
    lz_array* a,
    lz_array* b,
    const int* axes_a,
    int n_a,
    const int* axes_b,
    int n_b,
    lz_stream* s);
/* The last `axis` axes of a with the first of b. */
lz_array* op_tensordot_axis(lz_array* a, lz_array* b, int axis, lz_stream* s);

/* Product of extents, or one over it, as a scalar. */
lz_array* op_number_of_elements(
    lz_array* a,
    const int* axes,
    int n,
    bool inverted,
    lz_dtype dtype,
    lz_stream* s);

/* The same bytes as another type; the last axis grows or shrinks. */
lz_array* op_view(lz_array* a, lz_dtype dtype, lz_stream* s);
/* The same value, through which no gradient flows. */
lz_array* op_stop_gradient(lz_array* a, lz_stream* s);
/* The inputs again, computed only once the dependencies are. */
int op_depends(
    const lz_list* inputs, const lz_list* dependencies, lz_list* out);

#endif
