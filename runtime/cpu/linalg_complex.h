/* The decompositions of complex matrices, as linalg_real.h says; included once,
 * after it. */

typedef float _Complex complex_item;

/* As float_reflect, of columns: 1 - conj(tau) v vᴴ turns (*first, x…) into
 * (beta, 0…), beta being real. */
static complex_item complex_reflect(
    int n, complex_item* first, complex_item* x) {
  double norm = 0;
  for (int i = 0; i < n - 1; i++)
    norm += (double)crealf(x[i]) * crealf(x[i]) +
            (double)cimagf(x[i]) * cimagf(x[i]);
  const double re = crealf(*first), im = cimagf(*first);
  if (norm == 0 && im == 0) return 0;
  const double beta = -copysign(sqrt(re * re + im * im + norm), re);
  const double size = (re - beta) * (re - beta) + im * im;
  const complex_item by =
      (float)((re - beta) / size) - (float)(im / size) * (complex_item)I;
  for (int i = 0; i < n - 1; i++) x[i] *= by;
  *first = (float)beta;
  return (float)((beta - re) / beta) - (float)(im / beta) * (complex_item)I;
}

/* As float_form, of as many reflections as there are columns. */
static void complex_form(
    int n, complex_item* a, int ld, const complex_item* tau) {
  for (int j = n; j-- > 0;) {
    complex_item* v = a + j + j * ld;
    for (int k = j + 1; k < n; k++) {
      complex_item *c = a + j + k * ld, sum = c[0];
      for (int i = 1; i < n - j; i++) sum += conjf(v[i]) * c[i];
      sum *= tau[j];
      c[0] -= sum;
      for (int i = 1; i < n - j; i++) c[i] -= sum * v[i];
    }
    for (int i = 1; i < n - j; i++) v[i] *= -tau[j];
    v[0] = 1 - tau[j];
    for (int i = 0; i < j; i++) a[i + j * ld] = 0;
  }
}

/* As float_small_eigh. */
static int complex_small_eigh(
    complex_item* a, int n, float* values, bool vectors) {
  complex_item tau[LINALG_SMALL];
  float off[LINALG_SMALL], work[2 * LINALG_SMALL];
  for (int j = 0; j + 1 < n; j++) {
    complex_item *v = a + j + 1 + j * n, *c = v + n;
    const int rest = n - 1 - j;
    tau[j] = complex_reflect(rest, v, v + 1);
    off[j] = crealf(v[0]);
    if (tau[j] == 0) continue;
    v[0] = 1;
    complex_item w[LINALG_SMALL] = {0}, along = 0;
    for (int q = 0; q < rest; q++) {
      complex_item sum = 0;
      for (int p = q + 1; p < rest; p++) {
        w[p] += c[p + q * n] * v[q];
        sum += conjf(c[p + q * n]) * v[p];
      }
      w[q] += crealf(c[q + q * n]) * v[q] + sum;
    }
    for (int p = 0; p < rest; p++) {
      w[p] *= tau[j];
      along += conjf(w[p]) * v[p];
    }
    for (int p = 0; p < rest; p++) w[p] -= tau[j] * along / 2 * v[p];
    for (int q = 0; q < rest; q++)
      for (int p = q; p < rest; p++)
        c[p + q * n] -= v[p] * conjf(w[q]) + w[p] * conjf(v[q]);
  }
  for (int j = 0; j < n; j++) values[j] = crealf(a[j + j * n]);
  if (!vectors) return LAPACKE_ssterf_work(n, values, off);
  for (int j = n; j-- > 1;) {
    for (int i = j + 1; i < n; i++) a[i + j * n] = a[i + (j - 1) * n];
    a[j * n] = 0;
  }
  for (int i = 0; i < n; i++) a[i] = i == 0;
  if (n > 1) complex_form(n - 1, a + 1 + n, n, tau);
  return LAPACKE_csteqr_work(
      LAPACK_COL_MAJOR, 'V', n, values, off, (lapack_complex_float*)a, n, work);
}

#define COMPLEX(p) ((lapack_complex_float*)(p))

static int complex_svd(
    lz_complex* a, int m, int n, float* s, lz_complex* u, lz_complex* vt) {
  const int k = m < n ? m : n;
  const char job = u ? 'A' : 'N';
  const size_t floats = u ? 5 * (size_t)k * k + 5 * (size_t)k : 7 * (size_t)k;
  lapack_int* iwork = linalg_room(0, (size_t)k * 8 * sizeof *iwork);
  float* rwork = linalg_room(1, (floats + 1) * sizeof *rwork);
  lz_complex best = {0, 0}, none, *work = NULL;
  int info = LINALG_MEMORY;
  if (!u) u = vt = &none;
#define GESDD(w, size)  \
  LAPACKE_cgesdd_work(  \
      LAPACK_COL_MAJOR, \
      job,              \
      m,                \
      n,                \
      COMPLEX(a),       \
      m,                \
      s,                \
      COMPLEX(u),       \
      m,                \
      COMPLEX(vt),      \
      n,                \
      COMPLEX(w),       \
      size,             \
      rwork,            \
      iwork)
  if (iwork && rwork) info = 0;
  if (info == 0 && linalg_asks(m, n, job)) {
    info = GESDD(&best, -1);
    linalg_known->size = (int)best.re;
  }
  if (info == 0) {
    work = linalg_room(2, (size_t)linalg_known->size * sizeof *work);
    info = work ? GESDD(work, linalg_known->size) : LINALG_MEMORY;
  }
#undef GESDD
  return info;
}

static int complex_large_eigh(
    lz_complex* a, int n, float* values, bool vectors, bool upper) {
  const char job = vectors ? 'V' : 'N', part = upper ? 'U' : 'L';
  linalg_memo* known = linalg_known;
  int info = 0;
#define HEEVD(w, size, rw, rsize, iw, isize) \
  LAPACKE_cheevd_work(                       \
      LAPACK_COL_MAJOR,                      \
      job,                                   \
      part,                                  \
      n,                                     \
      COMPLEX(a),                            \
      n,                                     \
      values,                                \
      COMPLEX(w),                            \
      size,                                  \
      rw,                                    \
      rsize,                                 \
      iw,                                    \
      isize)
  if (linalg_asks(n, n, job)) {
    lz_complex best = {0, 0};
    float rbest = 0;
    lapack_int ibest = 0;
    info = HEEVD(&best, -1, &rbest, -1, &ibest, -1);
    if (info) return info;
    known->size = (int)best.re;
    known->reals = (int)rbest;
    known->integers = ibest;
  }
  lz_complex* work = linalg_room(0, (size_t)known->size * sizeof *work);
  float* rwork = linalg_room(1, (size_t)known->reals * sizeof *rwork);
  lapack_int* iwork = linalg_room(2, (size_t)known->integers * sizeof *iwork);
  info = LINALG_MEMORY;
  if (work && rwork && iwork)
    info =
        HEEVD(work, known->size, rwork, known->reals, iwork, known->integers);
#undef HEEVD
  return info;
}

static int complex_eigh(
    lz_complex* a, int n, float* values, bool vectors, bool upper) {
  const bool small =
      n <= LINALG_SMALL && !upper && float_is_plain(&a->re, 2 * n * n);
  const int info =
      small ? complex_small_eigh((complex_item*)a, n, values, vectors)
            : complex_large_eigh(a, n, values, vectors, upper);
  /* a was the transpose of what it stands for, so its conjugate: the vectors
   * are conjugates as well. */
  for (size_t i = 0; i < (size_t)n * n && info == 0 && vectors; i++)
    a[i].im = -a[i].im;
  return info;
}

static int complex_eig(
    lz_complex* a, int n, lz_complex* values, lz_complex* vectors) {
  float* rwork = linalg_room(0, (size_t)n * 2 * sizeof *rwork);
  lz_complex best = {0, 0}, none, *work = NULL;
  int info = LINALG_MEMORY;
  const char job = vectors ? 'V' : 'N';
#define GEEV(w, size)                     \
  LAPACKE_cgeev_work(                     \
      LAPACK_COL_MAJOR,                   \
      job,                                \
      'N',                                \
      n,                                  \
      COMPLEX(a),                         \
      n,                                  \
      COMPLEX(values),                    \
      COMPLEX(vectors ? vectors : &none), \
      n,                                  \
      COMPLEX(&none),                     \
      1,                                  \
      COMPLEX(w),                         \
      size,                               \
      rwork)
  if (rwork) info = 0;
  if (info == 0 && linalg_asks(n, n, job)) {
    info = GEEV(&best, -1);
    linalg_known->size = (int)best.re;
  }
  if (info == 0) {
    work = linalg_room(1, (size_t)linalg_known->size * sizeof *work);
    info = work ? GEEV(work, linalg_known->size) : LINALG_MEMORY;
  }
#undef GEEV
  for (size_t i = 0; i < (size_t)n * n && info == 0 && vectors; i++)
    vectors[i].im = -vectors[i].im;
  return info;
}
