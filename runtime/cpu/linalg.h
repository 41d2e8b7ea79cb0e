/* Decompositions of matrices, each of a batch: LAPACK's, with MLX's outputs.
 *
 * Inputs are (…, M, N) of float32 or float64, where said complex64, with any
 * strides; outputs have the leading axes of the input and any strides.
 * Matrices of a batch run on the pool. */
#ifndef CPU_LINALG_H
#define CPU_LINALG_H

#include <stdbool.h>

#include "cpu/view.h"

/* What the functions return. */
enum {
  LINALG_OK = 0,
  LINALG_MEMORY = -1,
  LINALG_INVALID = -2, /* NaN or infinity where LAPACK takes none */
  /* positive: what LAPACK reports, said at each function */
};

/* a = out outᵀ, or outᵀ out if upper; reads one triangle of a, the one that
 * out fills. As MLX does, a matrix that is not positive definite is no error:
 * the factors computed until then come out. */
int linalg_cholesky(const lz_view* a, const lz_view* out, bool upper);

/* `triangular`: reads the upper or the lower triangle only. Positive: the
 * matrix is singular, that pivot (from 1) is zero. */
int linalg_inverse(
    const lz_view* a, const lz_view* out, bool triangular, bool upper);

/* q (…, M, K), r (…, K, N), K the smaller of M and N. */
int linalg_qr(const lz_view* a, const lz_view* q, const lz_view* r);

/* a = u diag(s) vt with u (…, M, M), s (…, K) descending, vt (…, N, N); u and
 * vt NULL: s alone. Complex too, then s is float32. Positive: did not
 * converge. */
int linalg_svd(
    const lz_view* a, const lz_view* u, const lz_view* s, const lz_view* vt);

/* Of symmetric (complex: Hermitian) matrices: values (…, N) ascending and real,
 * vectors (…, N, N) in columns or NULL. `upper` names the triangle as LAPACK,
 * column by column, sees it: with upper false, MLX's default "L", what is read
 * is the part of the row-major matrix on and above the diagonal. Positive: did
 * not converge. */
int linalg_eigh(
    const lz_view* a,
    const lz_view* values,
    const lz_view* vectors,
    bool upper);

/* values (…, N) and vectors (…, N, N) in columns or NULL are complex64; a may
 * be complex. Positive: did not converge.
 * (For complex matrices MLX 0.31.2 returns the conjugates of the vectors,
 * which solve nothing; here a v = λ v holds.) */
int linalg_eig(const lz_view* a, const lz_view* values, const lz_view* vectors);

/* lu (…, M, N) holds both factors; pivots (…, K) of uint32: the row, from 0,
 * that row i was swapped with; rows (…, M) of uint32: row i of a is row rows[i]
 * of l u. Positive: singular, as for linalg_inverse. */
int linalg_lu(
    const lz_view* a,
    const lz_view* lu,
    const lz_view* pivots,
    const lz_view* rows);

#endif
