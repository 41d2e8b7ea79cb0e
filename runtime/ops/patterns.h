/* Matrices and vectors of a pattern: identities, triangles, windows. */
#ifndef OPS_PATTERNS_H
#define OPS_PATTERNS_H

#include "core/array.h"

lz_array* op_linspace(
    double start, double stop, int num, lz_dtype dtype, lz_stream* s);
/* Ones on the k-th diagonal of n rows and m columns. */
lz_array* op_eye(int n, int m, int k, lz_dtype dtype, lz_stream* s);
/* Ones on and below the k-th diagonal. */
lz_array* op_tri(int n, int m, int k, lz_dtype dtype, lz_stream* s);
/* The last two axes at and below, or at and above, the k-th diagonal. */
lz_array* op_tril(lz_array* a, int k, lz_stream* s);
lz_array* op_triu(lz_array* a, int k, lz_stream* s);
/* A matrix with a vector on its k-th diagonal, or that diagonal of a matrix. */
lz_array* op_diag(lz_array* a, int k, lz_stream* s);
lz_array* op_diagonal(
    lz_array* a, int offset, int axis1, int axis2, lz_stream* s);
/* Zeros of shape (lead…, rows, columns) with values, (lead…, n) or what
 * broadcasts to that, on the diagonal that begins at (from1, from2) and is n
 * long. rows * columns fits an int. */
lz_array* op_diagonal_put(
    lz_array* values,
    const int32_t* lead,
    int n_lead,
    int32_t rows,
    int32_t columns,
    int32_t from1,
    int32_t from2,
    lz_stream* s);
lz_array* op_trace(
    lz_array* a,
    int offset,
    int axis1,
    int axis2,
    lz_dtype dtype,
    lz_stream* s);

/* float32, m long; m < 1: empty. */
lz_array* op_bartlett(int m, lz_stream* s);
lz_array* op_hanning(int m, lz_stream* s);
lz_array* op_hamming(int m, lz_stream* s);
lz_array* op_blackman(int m, lz_stream* s);

#endif
