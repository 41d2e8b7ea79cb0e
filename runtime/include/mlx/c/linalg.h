/* Linear algebra, of matrices on the last two axes: (..., M, N), K the smaller
 * of M and N. Decompositions take float32 and float64, where said complex64,
 * and streams of the CPU; another type, device or rank is an error, and so is
 * a matrix that is not square where one must be. What only values decide, a
 * singular matrix say, is an error of the evaluation. */
#ifndef MLX_C_LINALG_H
#define MLX_C_LINALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/array.h"
#include "mlx/c/stream.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* a = res res^T, or res^T res if upper. What is not positive definite is no
 * error: its factor is of no use. */
LAZULI_API int mlx_linalg_cholesky(
    mlx_array* res, const mlx_array a, bool upper, const mlx_stream s);

/* The inverse of the matrix whose Cholesky factor a is. */
LAZULI_API int mlx_linalg_cholesky_inv(
    mlx_array* res, const mlx_array a, bool upper, const mlx_stream s);

/* Of vectors of 2 or 3 elements along axis; two of 2 give 3 with zeros. */
LAZULI_API int mlx_linalg_cross(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    int axis,
    const mlx_stream s);

/* Values (..., N) and, in columns, vectors (..., N, N), all complex64. Complex
 * too. */
LAZULI_API int mlx_linalg_eig(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s);

/* Of symmetric (Hermitian) matrices: real values (..., N) ascending, vectors in
 * columns. UPLO, "L" or "U": the triangle that is read. Complex too. */
LAZULI_API int mlx_linalg_eigh(
    mlx_array* res_0,
    mlx_array* res_1,
    const mlx_array a,
    const char* UPLO,
    const mlx_stream s);

LAZULI_API int mlx_linalg_eigvals(
    mlx_array* res, const mlx_array a, const mlx_stream s);

LAZULI_API int mlx_linalg_eigvalsh(
    mlx_array* res, const mlx_array a, const char* UPLO, const mlx_stream s);

LAZULI_API int mlx_linalg_inv(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* The rows' order (uint32), L (..., M, K), U (..., K, N). Error: singular. */
LAZULI_API int mlx_linalg_lu(
    mlx_vector_array* res, const mlx_array a, const mlx_stream s);

/* Both factors in one array, and pivots (uint32, K). */
LAZULI_API int mlx_linalg_lu_factor(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s);

/* Over one axis the norm of vectors: of order 0, 1, 2, infinite or any p; over
 * two that of matrices: 1, 2, infinite, or their negatives. axis NULL: all. */
LAZULI_API int mlx_linalg_norm(
    mlx_array* res,
    const mlx_array a,
    double ord,
    const int* axis /* may be null */,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s);

/* ord: "f", "fro" or "nuc". axis NULL: both axes of a matrix. */
LAZULI_API int mlx_linalg_norm_matrix(
    mlx_array* res,
    const mlx_array a,
    const char* ord,
    const int* axis /* may be null */,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s);

/* axis NULL: of all elements, of shape (1) if keepdims. */
LAZULI_API int mlx_linalg_norm_l2(
    mlx_array* res,
    const mlx_array a,
    const int* axis /* may be null */,
    size_t axis_num,
    bool keepdims,
    const mlx_stream s);

/* Singular values below 10 max(M, N) eps times the largest count as zero. */
LAZULI_API int mlx_linalg_pinv(
    mlx_array* res, const mlx_array a, const mlx_stream s);

/* Q (..., M, K) and R (..., K, N). */
LAZULI_API int mlx_linalg_qr(
    mlx_array* res_0, mlx_array* res_1, const mlx_array a, const mlx_stream s);

/* x of a x = b; b is (N) or (..., N, K). */
LAZULI_API int mlx_linalg_solve(
    mlx_array* res, const mlx_array a, const mlx_array b, const mlx_stream s);

LAZULI_API int mlx_linalg_solve_triangular(
    mlx_array* res,
    const mlx_array a,
    const mlx_array b,
    bool upper,
    const mlx_stream s);

/* U (..., M, M), S (..., K) descending, V^T (..., N, N); S alone without
 * compute_uv. Complex too. */
LAZULI_API int mlx_linalg_svd(
    mlx_vector_array* res,
    const mlx_array a,
    bool compute_uv,
    const mlx_stream s);

LAZULI_API int mlx_linalg_tri_inv(
    mlx_array* res, const mlx_array a, bool upper, const mlx_stream s);

#ifdef __cplusplus
}
#endif

#endif
