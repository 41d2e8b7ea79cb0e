/* Householder reductions of small matrices, once for each of float and double:
 * there a call of BLAS costs more than the arithmetic. What iterates is left to
 * LAPACK, whose choice of signs this is, so results do not depend on the size.
 * The includer defines T, LAPACK(name), NAME(name) and RANGE(name), a limit of
 * that type. Matrices lie column by column, m and n at most LINALG_SMALL. */

/* Whether squares of sums neither overflow nor vanish. What is beyond goes the
 * long way, which scales. */
static bool NAME(is_plain)(const T* a, int count) {
  bool plain = true;
  for (int i = 0; i < count; i++) {
    const T x = a[i] < 0 ? -a[i] : a[i];
    plain &= x == 0 || (x > RANGE(LEAST) && x < 1 / RANGE(LEAST));
  }
  return plain;
}

/* v, whose first element is 1 and is not stored, and tau such that 1 - tau v vᵀ
 * turns (*first, x…) into (beta, 0…); n elements in all, x `step` apart. *first
 * becomes beta, x the rest of v. Returns tau. */
static T NAME(reflect)(int n, T* first, T* x, int step) {
  double norm = 0;
  for (int i = 0; i < n - 1; i++) norm += (double)x[i * step] * x[i * step];
  if (norm == 0) return 0;
  const double a = *first, beta = -copysign(sqrt(a * a + norm), a);
  const T by = (T)(1 / (a - beta));
  for (int i = 0; i < n - 1; i++) x[i * step] *= by;
  *first = (T)beta;
  return (T)((beta - a) / beta);
}

/* The reflection of n columns of m elements. */
static void NAME(reflect_columns)(
    int m, int n, const T* v, T tau, T* restrict c, int ld) {
  if (tau == 0) return;
  for (int j = 0; j < n; j++, c += ld) {
    T sum = c[0];
    for (int i = 1; i < m; i++) sum += v[i] * c[i];
    sum *= tau;
    c[0] -= sum;
    for (int i = 1; i < m; i++) c[i] -= sum * v[i];
  }
}

/* Of m rows of n elements; v[j] is at v[j * step]. */
static void NAME(reflect_rows)(
    int m, int n, const T* v, int step, T tau, T* restrict c, int ld) {
  if (tau == 0) return;
  T sums[LINALG_SMALL];
  for (int i = 0; i < m; i++) sums[i] = c[i];
  for (int j = 1; j < n; j++)
    for (int i = 0; i < m; i++) sums[i] += v[j * step] * c[i + j * ld];
  for (int i = 0; i < m; i++) {
    sums[i] *= tau;
    c[i] -= sums[i];
  }
  for (int j = 1; j < n; j++)
    for (int i = 0; i < m; i++) c[i + j * ld] -= v[j * step] * sums[i];
}

/* m x n columns of the product of k reflections, whose vectors are the first k
 * columns below the diagonal. */
static void NAME(form)(int m, int n, int k, T* a, int ld, const T* tau) {
  for (int j = k; j < n; j++)
    for (int i = 0; i < m; i++) a[i + j * ld] = i == j;
  for (int j = k; j-- > 0;) {
    T* v = a + j + j * ld;
    NAME(reflect_columns)(m - j, n - 1 - j, v, tau[j], v + ld, ld);
    for (int i = 1; i < m - j; i++) v[i] *= -tau[j];
    v[0] = 1 - tau[j];
    for (int i = 0; i < j; i++) a[i + j * ld] = 0;
  }
}

/* a becomes r and, below it, the vectors of the reflections that make q. */
static void NAME(triangle)(T* a, int m, int n, T* tau) {
  for (int j = 0; j < m && j < n; j++) {
    T* v = a + j + j * m;
    tau[j] = NAME(reflect)(m - j, v, v + 1, 1);
    NAME(reflect_columns)(m - j, n - 1 - j, v, tau[j], v + m, m);
  }
}

static void NAME(small_qr)(T* a, int m, int n, T* r) {
  const int k = m < n ? m : n;
  T tau[LINALG_SMALL];
  NAME(triangle)(a, m, n, tau);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < k; i++) r[i + j * k] = i <= j ? a[i + j * m] : 0;
  NAME(form)(m, k, k, a, m, tau);
}

/* Of the lower triangle; a becomes the vectors if wanted. */
static int NAME(small_eigh)(T* a, int n, T* values, bool vectors) {
  T off[LINALG_SMALL], tau[LINALG_SMALL], work[2 * LINALG_SMALL];
  for (int j = 0; j + 1 < n; j++) {
    T* v = a + j + 1 + j * n;
    T* c = v + n; /* what is left, `rest` wide */
    const int rest = n - 1 - j;
    tau[j] = NAME(reflect)(rest, v, v + 1, 1);
    off[j] = v[0];
    if (tau[j] == 0) continue;
    v[0] = 1;
    T w[LINALG_SMALL] = {0}, along = 0;
    for (int q = 0; q < rest; q++) {
      T sum = 0;
      for (int p = q + 1; p < rest; p++) {
        w[p] += c[p + q * n] * v[q];
        sum += c[p + q * n] * v[p];
      }
      w[q] += c[q + q * n] * v[q] + sum;
    }
    for (int p = 0; p < rest; p++) {
      w[p] *= tau[j];
      along += w[p] * v[p];
    }
    for (int p = 0; p < rest; p++) w[p] -= tau[j] * along / 2 * v[p];
    for (int q = 0; q < rest; q++)
      for (int p = q; p < rest; p++) c[p + q * n] -= v[p] * w[q] + w[p] * v[q];
  }
  for (int j = 0; j < n; j++) values[j] = a[j + j * n];
  if (!vectors) return LAPACK(sterf)(n, values, off);
  /* The reflections leave the first row and column as they are. */
  for (int j = n; j-- > 1;) {
    for (int i = j + 1; i < n; i++) a[i + j * n] = a[i + (j - 1) * n];
    a[j * n] = 0;
  }
  for (int i = 0; i < n; i++) a[i] = i == 0;
  if (n > 1) NAME(form)(n - 1, n - 1, n - 1, a + 1 + n, n, tau);
  return LAPACK(steqr)(LAPACK_COL_MAJOR, 'V', n, values, off, a, n, work);
}

/* By two diagonals. */
static int NAME(short_svd)(T* a, int m, int n, T* s, T* u, T* vt) {
  const bool tall = m >= n;
  const int k = tall ? n : m, first = !tall; /* columns are made before rows */
  T off[LINALG_SMALL], left[LINALG_SMALL], right[LINALG_SMALL];
  T work[4 * LINALG_SMALL];
  for (int j = 0; j < k; j++) {
    for (int turn = 0; turn < 2; turn++) {
      const bool columns = (turn == 0) == tall;
      /* The second turn leaves the diagonal, and what is done, alone. */
      const int i = columns ? j + first : j, l = columns ? j : j + !first;
      T* to = turn == 0 ? &s[j] : &off[j];
      T* v = a + i + l * m;
      if (columns) {
        left[j] = 0;
        if (i >= m) continue;
        left[j] = NAME(reflect)(m - i, v, v + 1, 1);
        *to = v[0];
        NAME(reflect_columns)(m - i, n - l - 1, v, left[j], v + m, m);
      } else {
        right[j] = 0;
        if (l >= n) continue;
        right[j] = NAME(reflect)(n - l, v, v + m, m);
        *to = v[0];
        NAME(reflect_rows)(m - i - 1, n - l, v, m, right[j], v + 1, m);
      }
    }
  }
  T none;
  if (u) {
    for (int j = 0; j < m; j++)
      for (int i = 0; i < m; i++) u[i + j * m] = i == j;
    for (int j = k; j-- > 0;)
      if (j + first < m) NAME(reflect_columns)
    (m - j - first,
     m - j - first,
     a + j + first + j * m,
     left[j],
     u + (j + first) * (m + 1),
     m);
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) vt[i + j * n] = i == j;
    for (int j = k; j-- > 0;)
      if (j + !first < n) NAME(reflect_rows)
    (n - j - !first,
     n - j - !first,
     a + j + (j + !first) * m,
     m,
     right[j],
     vt + (j + !first) * (n + 1),
     n);
  }
  if (k == 1) {
    /* LAPACK turns the left vector over then, the right ones else. */
    for (int i = 0; i < m && u && s[0] < 0; i++) u[i] = -u[i];
    s[0] = s[0] < 0 ? -s[0] : s[0];
    return 0;
  }
  return LAPACK(bdsqr)(
      LAPACK_COL_MAJOR,
      tall ? 'U' : 'L',
      k,
      u ? n : 0,
      u ? m : 0,
      0,
      s,
      off,
      u ? vt : &none,
      n,
      u ? u : &none,
      m,
      &none,
      1,
      work);
}

/* Of a matrix much longer than wide, or the other way round, LAPACK makes a
 * triangle first: signs depend on it. a becomes undefined. */
static int NAME(small_svd)(T* a, int m, int n, T* s, T* u, T* vt) {
  const bool tall = m > n;
  const int k = tall ? n : m, most = tall ? m : n;
  if (most < k * 11 / 6 || most == 1) return NAME(short_svd)(a, m, n, s, u, vt);
  enum { ROOM = LINALG_SMALL * LINALG_SMALL };
  T q[ROOM], square[ROOM], inner[ROOM], tau[LINALG_SMALL];
  /* A wide one is turned: its rows are what is reflected. */
  for (int j = 0; j < k; j++)
    for (int i = 0; i < most; i++)
      q[i + j * most] = tall ? a[i + j * m] : a[j + i * m];
  NAME(triangle)(q, most, k, tau);
  for (int j = 0; j < k; j++)
    for (int i = 0; i < k; i++) {
      const T x = i <= j ? q[i + j * most] : 0;
      square[tall ? i + j * k : j + i * k] = x;
    }
  if (!u) return NAME(short_svd)(square, k, k, s, NULL, NULL);
  NAME(form)(most, most, k, q, most, tau);
  const int info =
      NAME(short_svd)(square, k, k, s, tall ? inner : u, tall ? vt : inner);
  for (int j = 0; j < most; j++)
    for (int i = 0; i < most; i++) {
      T sum = 0;
      for (int p = 0; p < k && j < k; p++)
        sum += q[i + p * most] * inner[tall ? p + j * k : j + p * k];
      if (j >= k) sum = q[i + j * most];
      if (tall)
        u[i + j * m] = sum;
      else
        vt[j + i * n] = sum;
    }
  return info;
}

/* Of an upper or a lower triangle; nothing else is read or written. As LAPACK,
 * the place of a zero on the diagonal, from 1, if there is one. */
static int NAME(small_triangular)(T* a, int n, bool upper) {
  for (int j = 0; j < n; j++)
    if (a[j + j * n] == 0) return j + 1;
  for (int nth = 0; nth < n; nth++) {
    /* Column j by the inverse of what is done, rows [first, end). */
    const int j = upper ? nth : n - 1 - nth;
    const int first = upper ? 0 : j + 1, end = upper ? j : n;
    T* restrict x = a + j * n;
    x[j] = 1 / x[j];
    for (int step = 0; step < end - first; step++) {
      const int k = upper ? first + step : end - 1 - step;
      const T* column = a + k * n;
      const T by = x[k];
      for (int i = upper ? first : k + 1; i < (upper ? k : end); i++)
        x[i] += by * column[i];
      x[k] *= column[k];
    }
    for (int i = first; i < end; i++) x[i] *= -x[j];
  }
  return 0;
}

/* Whether a column or a row has nothing beside the diagonal: LAPACK sets its
 * eigenvalue apart, in an order of its own. */
static bool NAME(is_apart)(const T* a, int n) {
  for (int i = 0; i < n; i++) {
    bool row = false, column = false;
    for (int j = 0; j < n; j++) {
      row |= j != i && a[i + j * n] != 0;
      column |= j != i && a[j + i * n] != 0;
    }
    if (!row || !column) return true;
  }
  return false;
}

/* Scales by powers of two until rows and columns are about as long. */
static void NAME(balance)(T* a, int n, T* scale) {
  for (int i = 0; i < n; i++) scale[i] = 1;
  for (bool again = true; again;) {
    again = false;
    for (int i = 0; i < n; i++) {
      double c = 0, r = 0, f = 1;
      for (int j = 0; j < n; j++) {
        c += (double)a[j + i * n] * a[j + i * n];
        r += (double)a[i + j * n] * a[i + j * n];
      }
      c = sqrt(c);
      r = sqrt(r);
      const double before = c + r;
      for (; c < r / 2; c *= 2, r /= 2) f *= 2;
      for (; c / 2 >= r; c /= 2, r *= 2) f /= 2;
      if (c + r >= 0.95 * before) continue;
      again = true;
      scale[i] *= (T)f;
      for (int j = 0; j < n; j++) a[i + j * n] *= (T)(1 / f);
      for (int j = 0; j < n; j++) a[j + i * n] *= (T)f;
    }
  }
}

/* Vectors of length 1, the largest element of complex ones real. */
static void NAME(normalize)(T* v, int n, const T* im) {
  for (int j = 0; j < n; j++) {
    const bool pair = im[j] != 0;
    T *re = v + j * n, *other = re + n;
    double sum = 0, most = -1;
    int largest = 0;
    for (int i = 0; i < n; i++) {
      const double size =
          (double)re[i] * re[i] + (pair ? (double)other[i] * other[i] : 0);
      sum += size;
      if (size > most) {
        most = size;
        largest = i;
      }
    }
    const T by = (T)(1 / sqrt(sum));
    for (int i = 0; i < n; i++) re[i] *= by;
    if (!pair) continue;
    for (int i = 0; i < n; i++) other[i] *= by;
    const T x = re[largest], y = other[largest];
    const T length = (T)sqrt((double)x * x + (double)y * y);
    const T c = (x < 0 ? -x : x) / length;
    const T s = x < 0 ? -y / length : y / length;
    for (int i = 0; i < n; i++) {
      const T turned = c * other[i] - s * re[i];
      re[i] = c * re[i] + s * other[i];
      other[i] = turned;
    }
    other[largest] = 0;
    j++;
  }
}

/* As geev: a complex pair of vectors is a real and an imaginary column. */
static int NAME(small_eig)(T* a, int n, T* re, T* im, T* left) {
  T scale[LINALG_SMALL], tau[LINALG_SMALL], work[4 * LINALG_SMALL], none;
  NAME(balance)(a, n, scale);
  for (int j = 0; j + 2 < n; j++) {
    T* v = a + j + 1 + j * n;
    const int rest = n - 1 - j;
    tau[j] = NAME(reflect)(rest, v, v + 1, 1);
    NAME(reflect_rows)(n, rest, v, 1, tau[j], a + (j + 1) * n, n);
    NAME(reflect_columns)(rest, rest, v, tau[j], v + n, n);
  }
  if (left) {
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++)
        left[i + j * n] = j > 0 && i > j ? a[i + (j - 1) * n] : i == j;
    if (n > 2) NAME(form)(n - 1, n - 1, n - 2, left + 1 + n, n, tau);
  }
  int info = LAPACK(hseqr)(
      LAPACK_COL_MAJOR,
      left ? 'S' : 'E',
      left ? 'V' : 'N',
      n,
      1,
      n,
      a,
      n,
      re,
      im,
      left ? left : &none,
      n,
      work,
      4 * LINALG_SMALL);
  if (info || !left) return info;
  lapack_int found;
  info = LAPACK(trevc)(
      LAPACK_COL_MAJOR,
      'L',
      'B',
      NULL,
      n,
      a,
      n,
      left,
      n,
      &none,
      1,
      n,
      &found,
      work);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) left[i + j * n] /= scale[i];
  NAME(normalize)(left, n, im);
  return info;
}
