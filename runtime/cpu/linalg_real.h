/* The decompositions of real matrices, once for each of float and double. The
 * includer defines T, LAPACK(name), which names LAPACKE's function, and
 * NAME(name). Matrices lie column by column. Each returns LAPACK's info, or
 * LINALG_MEMORY. */

static int NAME(cholesky)(T* a, int n, bool upper) {
  const int info =
      n <= LINALG_SMALL
          ? NAME(small_cholesky)(a, n, upper)
          : LAPACK(potrf)(LAPACK_COL_MAJOR, upper ? 'U' : 'L', n, a, n);
  /* Nothing of a is left in the other triangle. */
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      if (upper ? i > j : i < j) a[i + (size_t)j * n] = 0;
  return info < 0 ? info : 0;
}

static int NAME(inverse)(T* a, int n) {
  if (n <= LINALG_SMALL) {
    lapack_int few[LINALG_SMALL];
    const int singular = NAME(small_lu)(a, n, n, few);
    return singular ? singular : NAME(small_inverse)(a, n, few);
  }
  lapack_int* pivots = linalg_room(0, (size_t)n * sizeof *pivots);
  T best = 0, *work = NULL;
  int info = LINALG_MEMORY;
  if (pivots) {
    info = LAPACK(getrf)(LAPACK_COL_MAJOR, n, n, a, n, pivots);
    if (info == 0 && linalg_asks(n, n, 0)) {
      info = LAPACK(getri)(LAPACK_COL_MAJOR, n, a, n, pivots, &best, -1);
      linalg_known->size = (int)best;
    }
    if (info == 0) {
      work = linalg_room(1, (size_t)linalg_known->size * sizeof *work);
      info =
          work
              ? LAPACK(getri)(
                    LAPACK_COL_MAJOR, n, a, n, pivots, work, linalg_known->size)
              : LINALG_MEMORY;
    }
  }
  return info;
}

static int NAME(inverse_triangular)(T* a, int n, bool upper) {
  const int info =
      n <= LINALG_SMALL
          ? NAME(small_triangular)(a, n, upper)
          : LAPACK(trtri)(LAPACK_COL_MAJOR, upper ? 'U' : 'L', 'N', n, a, n);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      if (upper ? i > j : i < j) a[i + (size_t)j * n] = 0;
  return info;
}

/* a becomes q in its first min(m, n) columns; r, k x n, is cut from it. */
static int NAME(qr)(T* a, int m, int n, T* r) {
  if (m <= LINALG_SMALL && n <= LINALG_SMALL && NAME(is_plain)(a, m * n)) {
    NAME(small_qr)(a, m, n, r);
    return 0;
  }
  const int k = m < n ? m : n;
  T* tau = linalg_room(0, (size_t)(k + 1) * sizeof *tau);
  T best[2] = {0, 0}, *work = NULL;
  int info = LINALG_MEMORY;
  if (!tau) return info;
  if (linalg_asks(m, n, 0)) {
    LAPACK(geqrf)(LAPACK_COL_MAJOR, m, n, a, m, tau, &best[0], -1);
    LAPACK(orgqr)(LAPACK_COL_MAJOR, m, k, k, a, m, tau, &best[1], -1);
    linalg_known->size = (int)(best[0] > best[1] ? best[0] : best[1]);
  }
  const int size = linalg_known->size;
  work = linalg_room(1, (size_t)size * sizeof *work);
  if (work) info = LAPACK(geqrf)(LAPACK_COL_MAJOR, m, n, a, m, tau, work, size);
  if (info == 0) {
    for (int j = 0; j < n; j++)
      for (int i = 0; i < k; i++)
        r[i + (size_t)j * k] = i <= j ? a[i + (size_t)j * m] : 0;
    info = LAPACK(orgqr)(LAPACK_COL_MAJOR, m, k, k, a, m, tau, work, size);
  }
  return info;
}

static int NAME(svd)(T* a, int m, int n, T* s, T* u, T* vt) {
  if (m <= LINALG_SMALL && n <= LINALG_SMALL && NAME(is_plain)(a, m * n))
    return NAME(small_svd)(a, m, n, s, u, vt);
  const int k = m < n ? m : n;
  const char job = u ? 'A' : 'N';
  lapack_int* iwork = linalg_room(0, (size_t)k * 8 * sizeof *iwork);
  T best = 0, none, *work = NULL;
  int info = LINALG_MEMORY;
  if (!u) u = vt = &none;
  if (iwork) info = 0;
  if (iwork && linalg_asks(m, n, job)) {
    info = LAPACK(gesdd)(
        LAPACK_COL_MAJOR, job, m, n, a, m, s, u, m, vt, n, &best, -1, iwork);
    linalg_known->size = (int)best;
  }
  if (info == 0) {
    work = linalg_room(1, (size_t)linalg_known->size * sizeof *work);
    info = work ? LAPACK(gesdd)(
                      LAPACK_COL_MAJOR,
                      job,
                      m,
                      n,
                      a,
                      m,
                      s,
                      u,
                      m,
                      vt,
                      n,
                      work,
                      linalg_known->size,
                      iwork)
                : LINALG_MEMORY;
  }
  return info;
}

static int NAME(eigh)(T* a, int n, T* values, bool vectors, bool upper) {
  if (n <= LINALG_SMALL && !upper && NAME(is_plain)(a, n * n))
    return NAME(small_eigh)(a, n, values, vectors);
  const char job = vectors ? 'V' : 'N', part = upper ? 'U' : 'L';
  T best = 0, *work = NULL;
  lapack_int ibest = 0, *iwork = NULL;
  int info = 0;
  if (linalg_asks(n, n, job)) {
    info = LAPACK(syevd)(
        LAPACK_COL_MAJOR, job, part, n, a, n, values, &best, -1, &ibest, -1);
    if (info) return info;
    linalg_known->size = (int)best;
    linalg_known->integers = ibest;
  }
  work = linalg_room(0, (size_t)linalg_known->size * sizeof *work);
  iwork = linalg_room(1, (size_t)linalg_known->integers * sizeof *iwork);
  info = work && iwork ? LAPACK(syevd)(
                             LAPACK_COL_MAJOR,
                             job,
                             part,
                             n,
                             a,
                             n,
                             values,
                             work,
                             linalg_known->size,
                             iwork,
                             linalg_known->integers)
                       : LINALG_MEMORY;
  return info;
}

/* a holds the transpose: its left vectors are the conjugates of the right ones
 * wanted. A complex pair is stored as one real and one imaginary column. */
static int NAME(eig)(T* a, int n, lz_complex* values, lz_complex* vectors) {
  T* parts =
      linalg_room(0, ((size_t)n * 2 + (size_t)n * n + 1) * sizeof *parts);
  T best = 0, none, *work = NULL;
  int info = LINALG_MEMORY;
  if (!parts) return info;
  T *re = parts, *im = re + n, *left = im + n;
  const char job = vectors ? 'V' : 'N';
#define GEEV(w, size) \
  LAPACK(geev)        \
  (LAPACK_COL_MAJOR, job, 'N', n, a, n, re, im, left, n, &none, 1, w, size)
  info = 0;
  const bool small =
      n <= LINALG_SMALL && NAME(is_plain)(a, n * n) && !NAME(is_apart)(a, n);
  if (small) info = NAME(small_eig)(a, n, re, im, vectors ? left : NULL);
  if (!small && linalg_asks(n, n, job)) {
    info = GEEV(&best, -1);
    linalg_known->size = (int)best;
  }
  if (info == 0 && !small) {
    work = linalg_room(1, (size_t)linalg_known->size * sizeof *work);
    info = work ? GEEV(work, linalg_known->size) : LINALG_MEMORY;
  }
#undef GEEV
  for (int i = 0; i < n && info == 0; i++)
    values[i] = (lz_complex){(float)re[i], (float)im[i]};
  for (int j = 0; j < n && info == 0 && vectors; j++) {
    const T* column = left + (size_t)j * n;
    const bool pair = im[j] != 0;
    for (int i = 0; i < n; i++) {
      const float x = (float)column[i], y = pair ? (float)column[n + i] : 0;
      vectors[(size_t)j * n + i] = (lz_complex){x, -y};
      if (pair) vectors[(size_t)(j + 1) * n + i] = (lz_complex){x, y};
    }
    j += pair;
  }
  return info;
}

static int NAME(lu)(T* a, int m, int n, lapack_int* pivots) {
  if (m <= LINALG_SMALL && n <= LINALG_SMALL)
    return NAME(small_lu)(a, m, n, pivots);
  return LAPACK(getrf)(LAPACK_COL_MAJOR, m, n, a, m, pivots);
}
