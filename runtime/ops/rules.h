/* Transformation rules, for descriptors to point at. See core/op.h. */
#ifndef OPS_RULES_H
#define OPS_RULES_H

#include "core/op.h"

int elementwise_vjp(const lz_vjp* v);
int elementwise_jvp(const lz_jvp* v);
int elementwise_vmap(const lz_vmap* v);

/* Of reductions, softmax and log-sum-exp. */
int reduce_vjp(const lz_vjp* v);
int softmax_vjp(const lz_vjp* v);
int logsumexp_vjp(const lz_vjp* v);
int variance_vjp(const lz_vjp* v);

/* Of products. */
int matmul_vjp(const lz_vjp* v);
int matmul_vmap(const lz_vmap* v);

/* The cotangent in the input's shape: reshape, expand, squeeze, copy. */
int same_elements_vjp(const lz_vjp* v);
/* The same, and for other shapes where the node was traced for them. */
int expand_dims_vjp(const lz_vjp* v);
int squeeze_vjp(const lz_vjp* v);
/* The driver sums over what was broadcast. */
int broadcast_vjp(const lz_vjp* v);
int transpose_vjp(const lz_vjp* v);
int as_strided_vjp(const lz_vjp* v);
int slice_vjp(const lz_vjp* v);
int slice_jvp(const lz_jvp* v);
int concatenate_vjp(const lz_vjp* v);
int concatenate_jvp(const lz_jvp* v);
/* Of reading and writing at positions, of order and of cumulation. */
int gather_vjp(const lz_vjp* v);
int gather_jvp(const lz_jvp* v);
int gather_axis_vjp(const lz_vjp* v);
int gather_axis_jvp(const lz_jvp* v);
int dynamic_slice_vjp(const lz_vjp* v);
int dynamic_slice_jvp(const lz_jvp* v);
int scatter_vjp(const lz_vjp* v);
int scatter_jvp(const lz_jvp* v);
int scatter_axis_vjp(const lz_vjp* v);
int scatter_axis_jvp(const lz_jvp* v);
int slice_update_vjp(const lz_vjp* v);
int slice_update_jvp(const lz_jvp* v);
int dynamic_slice_update_vjp(const lz_vjp* v);
int dynamic_slice_update_jvp(const lz_jvp* v);
int sort_vjp(const lz_vjp* v);
int sort_jvp(const lz_jvp* v);
int scan_vjp(const lz_vjp* v);
int scan_jvp(const lz_jvp* v);
int masked_scatter_vjp(const lz_vjp* v);
int gather_vmap(const lz_vmap* v);
int gather_axis_vmap(const lz_vmap* v);
int scatter_axis_vmap(const lz_vmap* v);
int sort_vmap(const lz_vmap* v);
int scan_vmap(const lz_vmap* v);

/* ops/vmap_structured.c */
int reduce_vmap(const lz_vmap* v);
int arg_vmap(const lz_vmap* v);
int softmax_vmap(const lz_vmap* v); /* and of log-sum-exp */
int transpose_vmap(const lz_vmap* v);
int same_elements_vmap(const lz_vmap* v);
int same_vmap(const lz_vmap* v); /* one that looks at no axis */
int broadcast_vmap(const lz_vmap* v);
int slice_vmap(const lz_vmap* v);
int concatenate_vmap(const lz_vmap* v);

/* Nothing flows back. */
int zero_vjp(const lz_vjp* v);

/* All inputs with the mapped axis first, or 1 there; non-zero where there is no
 * memory. */
int rules_lead(const lz_vmap* v, lz_array** in);

/* A message that the operation has no gradient. Always 1. */
int rules_no_gradient(const lz_node* n);

#endif
