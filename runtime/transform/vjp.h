/* Derivatives of traced graphs. */
#ifndef TRANSFORM_VJP_H
#define TRANSFORM_VJP_H

#include "core/closure.h"
#include "core/list.h"

/* Pulls cotangents back along the graph between primals and outputs. grads[i]
 * is scope-owned: zeros where nothing depends on primal i. */
int vjp_pull(
    lz_array* const* primals,
    size_t n_primals,
    lz_array* const* outputs,
    lz_array* const* cotangents,
    size_t n_outputs,
    lz_array** grads);

/* Pushes tangents forward; results[i] scope-owned. */
int jvp_push(
    lz_array* const* primals,
    lz_array* const* tangents,
    size_t n_primals,
    lz_array* const* outputs,
    size_t n_outputs,
    lz_array** results);

/* Of a function: outputs and results are appended. Cotangents must fit the
 * outputs in shape, but those of stop_gradient, which take none; tangents the
 * primals. Both are cast. */
int vjp_function(
    lz_closure* f,
    const lz_list* primals,
    const lz_list* cotangents,
    lz_list* outputs,
    lz_list* grads);
int jvp_function(
    lz_closure* f,
    const lz_list* primals,
    const lz_list* tangents,
    lz_list* outputs,
    lz_list* results);

/* A closure that gives values and gradients of the first, scalar output, by
 * arguments counted from the front or (below 0) the end, in ascending order. */
lz_closure* value_and_grad(lz_closure* f, const int* argnums, size_t n);

/* A function with derivatives and batching of its own; each may be NULL. */
lz_closure* custom_function(
    lz_closure* f, lz_closure* vjp, lz_closure* jvp, lz_closure* vmap);
/* The node that its results pass through. */
extern const lz_op op_custom_desc;
/* Computes the function again when its gradient is taken. */
lz_closure* checkpoint(lz_closure* f);

#endif
