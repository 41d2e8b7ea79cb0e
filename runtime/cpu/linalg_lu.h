/* LU and Cholesky of small matrices, once for each of float and double, step by
 * step as LAPACK takes one column after the other: there a call costs more than
 * the arithmetic, and calls from several threads wait for one lock in BLAS. The
 * includer defines T and NAME(name). Matrices lie column by column. */

/* A = P L U, as getrf: pivots count from 1, the result is LAPACK's info. */
static int NAME(small_lu)(T* a, int m, int n, lapack_int* pivots) {
  int info = 0;
  for (int j = 0; j < m && j < n; j++) {
    T* restrict column = a + j * m;
    int largest = j;
    for (int i = j + 1; i < m; i++)
      if (fabs((double)column[i]) > fabs((double)column[largest])) largest = i;
    pivots[j] = largest + 1;
    if (column[largest] == 0) {
      if (!info) info = j + 1;
      continue;
    }
    if (largest != j)
      for (int k = 0; k < n; k++) {
        const T x = a[j + k * m];
        a[j + k * m] = a[largest + k * m];
        a[largest + k * m] = x;
      }
    const T by = column[j];
    for (int i = j + 1; i < m; i++) column[i] /= by;
    for (int k = j + 1; k < n; k++) {
      T* restrict other = a + k * m;
      const T x = other[j];
      for (int i = j + 1; i < m; i++) other[i] -= column[i] * x;
    }
  }
  return info;
}

/* The inverse of what small_lu() left, as getri: of U, then times that of L,
 * columns put back. */
static int NAME(small_inverse)(T* a, int n, const lapack_int* pivots) {
  T below[LINALG_SMALL];
  const int info = NAME(small_triangular)(a, n, true);
  if (info) return info;
  for (int j = n - 1; j-- > 0;) {
    T* restrict column = a + j * n;
    for (int i = j + 1; i < n; i++) {
      below[i] = column[i];
      column[i] = 0;
    }
    for (int k = j + 1; k < n; k++) {
      const T* restrict other = a + k * n;
      for (int i = 0; i < n; i++) column[i] -= other[i] * below[k];
    }
  }
  for (int j = n - 1; j-- > 0;) {
    const int from = pivots[j] - 1;
    for (int i = 0; from != j && i < n; i++) {
      const T x = a[i + j * n];
      a[i + j * n] = a[i + from * n];
      a[i + from * n] = x;
    }
  }
  return 0;
}

/* As potrf: rows of the factor one after the other, and where a pivot is not
 * positive the rest stays. `along`: from an element of row j to the next one;
 * `down`: from row to row. */
static int NAME(small_cholesky)(T* a, int n, bool upper) {
  const int along = upper ? 1 : n, down = upper ? n : 1;
  for (int j = 0; j < n; j++) {
    T* row = a + j * down;
    T pivot = row[j * along];
    for (int k = 0; k < j; k++) pivot -= row[k * along] * row[k * along];
    if (!(pivot > 0)) {
      row[j * along] = pivot;
      return j + 1;
    }
    pivot = (T)sqrt((double)pivot);
    row[j * along] = pivot;
    for (int i = j + 1; i < n; i++) {
      T* other = a + i * down;
      T x = other[j * along];
      for (int k = 0; k < j; k++) x -= other[k * along] * row[k * along];
      other[j * along] = x / pivot;
    }
  }
  return 0;
}
