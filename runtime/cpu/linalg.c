#include "cpu/linalg.h"

#include <cblas.h>
#include <complex.h>
#include <lapacke.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/lead.h"
#include "cpu/tile.h"
#include "stream/pool.h"

enum { LINALG_ROOMS = 3 };

/* The sizes of working memory that LAPACK's function named for the last matrix
 * of a batch, and that memory: asking again costs as much as a small matrix. */
typedef struct linalg_memo {
  int m, n, job, size, integers, reals;
  void* room[LINALG_ROOMS];
  size_t bytes[LINALG_ROOMS];
} linalg_memo;

/* Of the batch that this thread works on. */
static _Thread_local linalg_memo* linalg_known;

/* Whether it has to be asked; then it is, and `size` set. */
static bool linalg_asks(int m, int n, int job) {
  const linalg_memo* k = linalg_known;
  if (k->size > 0 && k->m == m && k->n == n && k->job == job) return false;
  linalg_known->m = m;
  linalg_known->n = n;
  linalg_known->job = job;
  linalg_known->size = 0;
  return true;
}

/* Memory until the batch ends or another matrix asks. NULL: there is none. */
static void* linalg_room(int nth, size_t bytes) {
  linalg_memo* k = linalg_known;
  if (k->bytes[nth] < bytes || !k->room[nth]) {
    free(k->room[nth]);
    k->room[nth] = malloc(bytes + 1);
    k->bytes[nth] = k->room[nth] ? bytes : 0;
  }
  return k->room[nth];
}

#define LINALG_SMALL 16
#define float_LEAST 1e-12f
#define double_LEAST 1e-138

#define T float
#define LAPACK(name) LAPACKE_s##name##_work
#define NAME(name) float_##name
#define RANGE(name) float_##name
#include "cpu/linalg_small.h"

#include "cpu/linalg_lu.h"

#include "cpu/linalg_real.h"
#undef T
#undef LAPACK
#undef NAME
#undef RANGE

#define T double
#define LAPACK(name) LAPACKE_d##name##_work
#define NAME(name) double_##name
#define RANGE(name) double_##name
#include "cpu/linalg_small.h"

#include "cpu/linalg_lu.h"

#include "cpu/linalg_real.h"
#undef T
#undef LAPACK
#undef NAME
#undef RANGE

/* Multiplications from which on a matrix is worth several threads. */
#define LINALG_LARGE (512. * 512 * 512)
/* Those worth a thread: of tiny matrices most time goes where OpenBLAS lets one
 * thread in at a time. */
#define LINALG_PART 200000.

#include "cpu/linalg_complex.h"

typedef struct linalg_call linalg_call;
/* One matrix; returns info. `room` holds what linalg_batch was asked for. */
typedef int (*linalg_fn)(const linalg_call* c, int64_t index, char* room);

struct linalg_call {
  linalg_fn fn;
  const lz_view *a, *out[3];
  int m, n;
  size_t size; /* of an element of a */
  size_t room;
  bool upper, triangular;
  int passes; /* over the matrix, about, beside those of one product */
  _Atomic int status;
};

/* Between memory and columns of height `rows`. */
static void copy_in(
    const lz_view* v, int64_t index, int rows, int cols, char* to) {
  tile_load(
      to,
      lead_data(v, lead_nth(v, 2, index)),
      v->strides[v->ndim - 1],
      v->strides[v->ndim - 2],
      cols,
      rows,
      dtype_size(v->dtype));
}

static void copy_out(
    const lz_view* v, int64_t index, int rows, int cols, const char* from) {
  tile_store(
      lead_data(v, lead_nth(v, 2, index)),
      from,
      v->strides[v->ndim - 1],
      v->strides[v->ndim - 2],
      cols,
      rows,
      dtype_size(v->dtype));
}

/* The same of the transpose, where v shows it. */
static lz_view transposed(const lz_view* v, int64_t* strides) {
  lz_view t = *v;
  memcpy(strides, v->strides, (size_t)v->ndim * sizeof *strides);
  strides[v->ndim - 1] = v->strides[v->ndim - 2];
  strides[v->ndim - 2] = v->strides[v->ndim - 1];
  t.strides = strides;
  return t;
}

static void copy_vector(
    const lz_view* v, int64_t index, int n, const char* from) {
  const size_t size = dtype_size(v->dtype);
  const int64_t at = lead_nth(v, 1, index);
  if (v->strides[v->ndim - 1] == 1) {
    memcpy(lead_data(v, at), from, (size_t)n * size);
    return;
  }
  for (int i = 0; i < n; i++, from += size)
    memcpy(lead_data(v, at + i * v->strides[v->ndim - 1]), from, size);
}

static void linalg_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  linalg_call* c = ctx;
  char* room = malloc(c->room + 1);
  linalg_memo known = {0};
  linalg_known = &known;
  for (int64_t i = begin; i < end; i++) {
    int info = room ? c->fn(c, i, room) : LINALG_MEMORY;
    if (info < 0 && info != LINALG_MEMORY) info = LINALG_INVALID;
    int none = LINALG_OK;
    if (info) atomic_compare_exchange_strong(&c->status, &none, info);
  }
  for (int i = 0; i < LINALG_ROOMS; i++) free(known.room[i]);
  free(room);
}

/* OpenBLAS shares small matrices among its threads, too, which then wait for
 * each other, and those of a batch have threads of their own. The number is the
 * process's; another stream may ask for another one meanwhile. */
static void linalg_threads(int n) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static int now;
  pthread_mutex_lock(&lock);
  if (now != n) openblas_set_num_threads(now = n);
  pthread_mutex_unlock(&lock);
}

/* `bytes`: scratch of one matrix. */
static int linalg_batch(linalg_call* c, const lz_view* a, size_t bytes) {
  c->a = a;
  c->room = bytes;
  const int64_t batch = view_size(a) / ((int64_t)c->m * c->n);
  const double work =
      (double)c->m * c->n * (c->m < c->n ? c->m : c->n) * (1 + c->passes);
  linalg_threads(
      batch == 1 && work >= LINALG_LARGE * (1 + c->passes) ? pool_threads()
                                                           : 1);
  pool_for(
      batch,
      work < LINALG_PART ? (int64_t)(LINALG_PART / work) : 1,
      linalg_parts,
      c);
  return atomic_load(&c->status);
}

static linalg_call linalg_call_of(const lz_view* a, linalg_fn fn) {
  return (linalg_call){
      .fn = fn,
      .m = a->shape[a->ndim - 2],
      .n = a->shape[a->ndim - 1],
      .size = dtype_size(a->dtype)};
}

/* Bytes of an m x n matrix, in whole lines so that what follows is aligned. */
static size_t matrix_bytes(const linalg_call* c, int m, int n) {
  return ((size_t)m * n * c->size + 63) & ~(size_t)63;
}

static int run_cholesky(const linalg_call* c, int64_t index, char* room) {
  const int n = c->n;
  copy_in(c->a, index, n, n, room);
  /* Only the triangle that out keeps counts. */
  const int info = c->a->dtype == DTYPE_FLOAT64
                       ? double_cholesky((double*)room, n, c->upper)
                       : float_cholesky((float*)room, n, c->upper);
  copy_out(c->out[0], index, n, n, room);
  return info;
}

int linalg_cholesky(const lz_view* a, const lz_view* out, bool upper) {
  linalg_call c = linalg_call_of(a, run_cholesky);
  c.out[0] = out;
  c.upper = upper;
  if (view_size(a) == 0) return LINALG_OK;
  return linalg_batch(&c, a, matrix_bytes(&c, c.n, c.n));
}

static int run_inverse(const linalg_call* c, int64_t index, char* room) {
  const int n = c->n;
  const bool wide = c->a->dtype == DTYPE_FLOAT64;
  copy_in(c->a, index, n, n, room);
  int info;
  if (c->triangular)
    info = wide ? double_inverse_triangular((double*)room, n, c->upper)
                : float_inverse_triangular((float*)room, n, c->upper);
  else
    info = wide ? double_inverse((double*)room, n)
                : float_inverse((float*)room, n);
  copy_out(c->out[0], index, n, n, room);
  return info;
}

int linalg_inverse(
    const lz_view* a, const lz_view* out, bool triangular, bool upper) {
  linalg_call c = linalg_call_of(a, run_inverse);
  c.out[0] = out;
  c.triangular = triangular;
  c.upper = upper;
  if (view_size(a) == 0) return LINALG_OK;
  return linalg_batch(&c, a, matrix_bytes(&c, c.n, c.n));
}

static int run_qr(const linalg_call* c, int64_t index, char* room) {
  const int k = c->m < c->n ? c->m : c->n;
  char* r = room + matrix_bytes(c, c->m, c->n);
  copy_in(c->a, index, c->m, c->n, room);
  const int info = c->a->dtype == DTYPE_FLOAT64
                       ? double_qr((double*)room, c->m, c->n, (double*)r)
                       : float_qr((float*)room, c->m, c->n, (float*)r);
  copy_out(c->out[0], index, c->m, k, room);
  copy_out(c->out[1], index, k, c->n, r);
  return info;
}

int linalg_qr(const lz_view* a, const lz_view* q, const lz_view* r) {
  linalg_call c = linalg_call_of(a, run_qr);
  c.passes = 4;
  c.out[0] = q;
  c.out[1] = r;
  if (view_size(a) == 0) return LINALG_OK;
  return linalg_batch(&c, a, 2 * matrix_bytes(&c, c.m, c.n));
}

static int run_svd(const linalg_call* c, int64_t index, char* room) {
  const int m = c->m, n = c->n, k = m < n ? m : n;
  /* The transpose is decomposed, a row-major matrix being one: its u is the
   * transpose of vt. Signs then come out as MLX's. */
  char* s = room + matrix_bytes(c, m, n);
  char* v = s + matrix_bytes(c, k, 1);
  char* u = v + matrix_bytes(c, n, n);
  int64_t strides[LZ_MAX_DIMS];
  const lz_view a = transposed(c->a, strides);
  copy_in(&a, index, n, m, room);
  const bool all = c->out[0];
#define SVD(name, T, R) \
  name((T*)room, n, m, (R*)s, all ? (T*)v : NULL, all ? (T*)u : NULL)
  const int info =
      c->a->dtype == DTYPE_FLOAT64   ? SVD(double_svd, double, double)
      : c->a->dtype == DTYPE_FLOAT32 ? SVD(float_svd, float, float)
                                     : SVD(complex_svd, lz_complex, float);
#undef SVD
  copy_vector(c->out[1], index, k, s);
  if (!all) return info;
  /* Row-major u and vt are what the columns of uᵀ and v hold. */
  const lz_view left = transposed(c->out[0], strides);
  copy_out(&left, index, m, m, u);
  const lz_view right = transposed(c->out[2], strides);
  copy_out(&right, index, n, n, v);
  return info;
}

/* An empty matrix is decomposed by identities. */
static void fill_identity(const lz_view* v) {
  const int n = v->shape[v->ndim - 1];
  const size_t size = dtype_size(v->dtype);
  const int64_t batch = n ? view_size(v) / ((int64_t)n * n) : 0;
  for (int64_t b = 0; b < batch; b++)
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        char* p = lead_data(
            v,
            lead_nth(v, 2, b) + i * v->strides[v->ndim - 2] +
                j * v->strides[v->ndim - 1]);
        memset(p, 0, size);
        dtype_store(v->dtype, p, i == j);
      }
}

int linalg_svd(
    const lz_view* a, const lz_view* u, const lz_view* s, const lz_view* vt) {
  linalg_call c = linalg_call_of(a, run_svd);
  c.passes = 24;
  c.out[0] = u;
  c.out[1] = s;
  c.out[2] = vt;
  if (view_size(a) == 0) {
    if (u) fill_identity(u);
    if (vt) fill_identity(vt);
    return LINALG_OK;
  }
  const size_t bytes =
      matrix_bytes(&c, c.m, c.n) + matrix_bytes(&c, c.m + c.n, 1) +
      (u ? matrix_bytes(&c, c.m, c.m) + matrix_bytes(&c, c.n, c.n) : 0);
  return linalg_batch(&c, a, bytes);
}

/* Rows as columns: LAPACK sees the transpose, as under MLX. */
static void copy_in_transposed(const linalg_call* c, int64_t index, char* to) {
  int64_t strides[LZ_MAX_DIMS];
  const lz_view t = transposed(c->a, strides);
  copy_in(&t, index, c->n, c->n, to);
}

static int run_eigh(const linalg_call* c, int64_t index, char* room) {
  const int n = c->n;
  const bool vectors = c->out[1];
  char* values = room + matrix_bytes(c, n, n);
  copy_in_transposed(c, index, room);
#define EIGH(name, T, R) name((T*)room, n, (R*)values, vectors, c->upper)
  const int info =
      c->a->dtype == DTYPE_FLOAT64   ? EIGH(double_eigh, double, double)
      : c->a->dtype == DTYPE_FLOAT32 ? EIGH(float_eigh, float, float)
                                     : EIGH(complex_eigh, lz_complex, float);
#undef EIGH
  copy_vector(c->out[0], index, n, values);
  if (vectors) copy_out(c->out[1], index, n, n, room);
  return info;
}

int linalg_eigh(
    const lz_view* a,
    const lz_view* values,
    const lz_view* vectors,
    bool upper) {
  linalg_call c = linalg_call_of(a, run_eigh);
  c.passes = 16;
  c.out[0] = values;
  c.out[1] = vectors;
  c.upper = upper;
  if (view_size(a) == 0) return LINALG_OK;
  return linalg_batch(
      &c, a, matrix_bytes(&c, c.n, c.n) + matrix_bytes(&c, c.n, 1));
}

static int run_eig(const linalg_call* c, int64_t index, char* room) {
  const int n = c->n;
  lz_complex* values = (lz_complex*)(room + matrix_bytes(c, n, n));
  lz_complex* vectors = c->out[1] ? values + n : NULL;
  copy_in_transposed(c, index, room);
  const int info = c->a->dtype == DTYPE_FLOAT64
                       ? double_eig((double*)room, n, values, vectors)
                   : c->a->dtype == DTYPE_FLOAT32
                       ? float_eig((float*)room, n, values, vectors)
                       : complex_eig((lz_complex*)room, n, values, vectors);
  copy_vector(c->out[0], index, n, (char*)values);
  if (vectors) copy_out(c->out[1], index, n, n, (char*)vectors);
  return info;
}

int linalg_eig(
    const lz_view* a, const lz_view* values, const lz_view* vectors) {
  linalg_call c = linalg_call_of(a, run_eig);
  c.passes = 32;
  c.out[0] = values;
  c.out[1] = vectors;
  if (view_size(a) == 0) return LINALG_OK;
  const size_t n = (size_t)c.n;
  return linalg_batch(
      &c, a, matrix_bytes(&c, c.n, c.n) + (n + n * n) * sizeof(lz_complex));
}

static int run_lu(const linalg_call* c, int64_t index, char* room) {
  const int m = c->m, n = c->n, k = m < n ? m : n;
  lapack_int* pivots = (lapack_int*)(room + matrix_bytes(c, m, n));
  uint32_t* rows = (uint32_t*)(pivots + k);
  copy_in(c->a, index, m, n, room);
  const int info = c->a->dtype == DTYPE_FLOAT64
                       ? double_lu((double*)room, m, n, pivots)
                       : float_lu((float*)room, m, n, pivots);
  if (info) return info;
  for (int i = 0; i < k; i++) pivots[i]--;
  for (int i = 0; i < m; i++) rows[i] = (uint32_t)i;
  for (int i = k; i-- > 0;) {
    const uint32_t swap = rows[pivots[i]];
    rows[pivots[i]] = rows[i];
    rows[i] = swap;
  }
  copy_out(c->out[0], index, m, n, room);
  copy_vector(c->out[1], index, k, (char*)pivots);
  copy_vector(c->out[2], index, m, (char*)rows);
  return 0;
}

int linalg_lu(
    const lz_view* a,
    const lz_view* lu,
    const lz_view* pivots,
    const lz_view* rows) {
  linalg_call c = linalg_call_of(a, run_lu);
  c.out[0] = lu;
  c.out[1] = pivots;
  c.out[2] = rows;
  if (view_size(a) == 0) {
    /* No column to swap by: every row where it is. */
    const int64_t n = view_size(rows);
    for (int64_t i = 0; i < n; i++) {
      const uint32_t row = (uint32_t)(i % c.m);
      memcpy(lead_data(rows, lead_nth(rows, 0, i)), &row, sizeof row);
    }
    return LINALG_OK;
  }
  return linalg_batch(
      &c,
      a,
      matrix_bytes(&c, c.m, c.n) + 2 * ((size_t)c.m + c.n) * sizeof(uint32_t));
}
