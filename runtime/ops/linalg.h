/* Linear algebra on the graph. Decompositions run on the host's LAPACK and
 * take streams of the CPU only, float32 or float64, where said complex64; all
 * are of matrices on the last two axes. */
#ifndef OPS_LINALG_H
#define OPS_LINALG_H

#include "core/op.h"
#include "ops/reduce.h"

lz_array* op_cholesky(lz_array* a, bool upper, lz_stream* s);
lz_array* op_cholesky_inv(lz_array* a, bool upper, lz_stream* s);
lz_array* op_inv(lz_array* a, lz_stream* s);
lz_array* op_tri_inv(lz_array* a, bool upper, lz_stream* s);
lz_array* op_pinv(lz_array* a, lz_stream* s);
lz_array* op_solve(lz_array* a, lz_array* b, lz_stream* s);
lz_array* op_solve_triangular(
    lz_array* a, lz_array* b, bool upper, lz_stream* s);
lz_array* op_cross(lz_array* a, lz_array* b, int axis, lz_stream* s);

/* Several outputs; non-zero with a message on failure. */
int op_qr(lz_array* a, lz_stream* s, lz_array* out[2]);
/* u, s, vt; s alone, in out[0], if !vectors. Complex too. */
int op_svd(lz_array* a, bool vectors, lz_stream* s, lz_array* out[3]);
/* Values, and vectors where asked for. Complex too. triangle: "L" or "U". */
int op_eigh(
    lz_array* a,
    const char* triangle,
    bool vectors,
    lz_stream* s,
    lz_array* out[2]);
int op_eig(lz_array* a, bool vectors, lz_stream* s, lz_array* out[2]);
/* Both factors in one, pivots, the rows' order. */
int linalg_lu_all(lz_array* a, lz_stream* s, lz_array* out[3]);
/* The rows' order, l, u. */
int op_lu(lz_array* a, lz_stream* s, lz_array* out[3]);
/* Both factors in one, pivots. */
int op_lu_factor(lz_array* a, lz_stream* s, lz_array* out[2]);

/* Axes as they were given; n == -1: all. */
lz_array* op_norm(
    lz_array* a, double ord, lz_axes axes, bool keepdims, lz_stream* s);
/* kind: "f", "fro" or "nuc". */
lz_array* op_norm_matrix(
    lz_array* a, const char* kind, lz_axes axes, bool keepdims, lz_stream* s);
lz_array* op_norm_l2(lz_array* a, lz_axes axes, bool keepdims, lz_stream* s);

extern const lz_op op_cholesky_desc, op_inverse_desc, op_qr_desc, op_svd_desc,
    op_eigh_desc, op_eig_desc, op_lu_desc;

#endif
