/* Decompositions: one descriptor each, their outputs told by a table. */
#include "ops/linalg.h"

#include <string.h>

#include "core/error.h"
#include "core/scope.h"
#include "cpu/linalg.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "stream/stream.h"

enum { LINALG_OUTPUTS = 3 };

typedef struct linalg_params {
  int32_t vectors, upper, triangular;
} linalg_params;

/* What comes out for (…, M, N): the last axes, K the smaller of both, and the
 * type: a the input's, r its real one, c complex64, u uint32. */
typedef struct linalg_spec {
  const lz_op* op;
  const char* name;
  const char* outputs[LINALG_OUTPUTS + 1];
  int only; /* the output that is left without vectors */
  bool square, complex;
} linalg_spec;

static const linalg_spec cholesky_spec = {
    &op_cholesky_desc, "linalg::cholesky", {"aMN"}, .square = true};
static const linalg_spec inverse_spec = {
    &op_inverse_desc, "linalg::inv", {"aMN"}, .square = true};
static const linalg_spec qr_spec = {
    &op_qr_desc, "linalg::qr", {"aMK", "aKN"}, .only = 0};
static const linalg_spec svd_spec = {
    &op_svd_desc,
    "linalg::svd",
    {"aMM", "rK", "aNN"},
    .only = 1,
    .complex = true};
static const linalg_spec eigh_spec = {
    &op_eigh_desc,
    "linalg::eigh",
    {"rN", "aNN"},
    .square = true,
    .complex = true};
static const linalg_spec eig_spec = {
    &op_eig_desc,
    "linalg::eig",
    {"cN", "cNN"},
    .square = true,
    .complex = true};
static const linalg_spec lu_spec = {
    &op_lu_desc, "linalg::lu", {"aMN", "uK", "uM"}, .only = 0};

static const linalg_spec* const linalg_specs[] = {
    &cholesky_spec,
    &inverse_spec,
    &qr_spec,
    &svd_spec,
    &eigh_spec,
    &eig_spec,
    &lu_spec};

static const linalg_spec* linalg_spec_of(const lz_op* op) {
  for (size_t i = 0; i < sizeof linalg_specs / sizeof *linalg_specs; i++)
    if (linalg_specs[i]->op == op) return linalg_specs[i];
  return NULL;
}

/* Shape and type of an output. Returns ndim. */
static int linalg_output(
    const char* output,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_dtype* out_dtype,
    int32_t* out_shape) {
  bool complex = dtype == DTYPE_COMPLEX64;
  *out_dtype = *output == 'c'              ? DTYPE_COMPLEX64
               : *output == 'u'            ? DTYPE_UINT32
               : *output == 'r' && complex ? DTYPE_FLOAT32
                                           : dtype;
  int32_t m = shape[ndim - 2], n = shape[ndim - 1];
  int k = ndim - 2;
  memcpy(out_shape, shape, sizeof(int32_t) * (size_t)k);
  for (const char* c = output + 1; *c; c++)
    out_shape[k++] = *c == 'M' ? m : *c == 'N' ? n : m < n ? m : n;
  return k;
}

/* ---- building ------------------------------------------------------------ */

/* Is it an array that the operation takes? */
static int linalg_takes(const linalg_spec* spec, const lz_array* a) {
  lz_dtype dtype = (lz_dtype)a->dtype;
  bool fine = dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64 ||
              (spec->complex && dtype == DTYPE_COMPLEX64);
  if (!fine)
    return error_fail(
        "[%s] takes float32 or float64%s, not %s",
        spec->name,
        spec->complex ? " or complex64" : "",
        dtype_name(dtype));
  if (a->ndim < 2)
    return error_fail(
        "[%s] Arrays must have >= 2 dimensions, not %s",
        spec->name,
        error_shape_of(a));
  if (spec->square && a->shape[a->ndim - 1] != a->shape[a->ndim - 2])
    return error_fail(
        "[%s] is defined for square matrices, not %s",
        spec->name,
        error_shape_of(a));
  return 0;
}

static int linalg_check(
    const linalg_spec* spec, const lz_array* a, const lz_stream* s) {
  if (!a || !s) return 1;
  if (s->device != DEVICE_CPU)
    return error_fail(
        "[%s] runs on the CPU only: pass a stream of the CPU", spec->name);
  return linalg_takes(spec, a);
}

static int linalg_infer(lz_infer* x) {
  const linalg_spec* spec = linalg_spec_of(x->op);
  const linalg_params* p = x->params;
  if (infer_expect(x, 1, x->n_out, sizeof *p) || linalg_takes(spec, x->in[0]))
    return 1;
  const lz_array* a = x->in[0];
  int n = 0;
  for (int i = 0; spec->outputs[i]; i++) {
    if (!p->vectors && spec->outputs[1] && i != spec->only) continue;
    int32_t shape[LZ_MAX_DIMS];
    lz_dtype dtype;
    int ndim = linalg_output(
        spec->outputs[i], (lz_dtype)a->dtype, a->ndim, a->shape, &dtype, shape);
    if (n == x->n_out) return infer_fail(x, "%d outputs", x->n_out);
    if (infer_put(x, n++, dtype, ndim, shape)) return 1;
  }
  return n == x->n_out ? 0 : infer_fail(x, "%d outputs", x->n_out);
}

static int linalg_make(
    const linalg_spec* spec,
    lz_array* a,
    const linalg_params* p,
    lz_stream* s,
    lz_array** out) {
  lz_node_output outputs[LINALG_OUTPUTS] = {0};
  int32_t shapes[LINALG_OUTPUTS][LZ_MAX_DIMS];
  int n = 0;
  for (int i = 0; spec->outputs[i]; i++) {
    if (!p->vectors && spec->outputs[1] && i != spec->only) continue;
    lz_node_output* o = &outputs[n];
    o->ndim = linalg_output(
        spec->outputs[i],
        (lz_dtype)a->dtype,
        a->ndim,
        a->shape,
        &o->dtype,
        shapes[n]);
    o->shape = shapes[n++];
  }
  return node_make_multi(spec->op, s, &a, 1, p, sizeof *p, outputs, n, out) ||
         scope_own_all(out, (size_t)n);
}

static int linalg_apply(
    const linalg_spec* spec,
    lz_array* a,
    linalg_params p,
    lz_stream* s,
    lz_array** out) {
  return linalg_check(spec, a, s) || linalg_make(spec, a, &p, s, out);
}

/* Leading axes are a batch: the mapped one becomes the first. */
static int linalg_vmap(const lz_vmap* v) {
  lz_array* a = op_moveaxis(v->in[0], v->axis[0], 0, v->stream);
  if (!a) return 1;
  for (uint32_t i = 0; i < v->node->n_outputs; i++) v->result_axis[i] = 0;
  return linalg_make(
      linalg_spec_of(v->node->op), a, v->node->params, v->stream, v->result);
}

lz_array* op_cholesky(lz_array* a, bool upper, lz_stream* s) {
  lz_array* out;
  linalg_params p = {.upper = upper};
  return linalg_apply(&cholesky_spec, a, p, s, &out) ? NULL : out;
}

lz_array* op_inv(lz_array* a, lz_stream* s) {
  lz_array* out;
  return linalg_apply(&inverse_spec, a, (linalg_params){0}, s, &out) ? NULL
                                                                     : out;
}

lz_array* op_tri_inv(lz_array* a, bool upper, lz_stream* s) {
  lz_array* out;
  linalg_params p = {.triangular = true, .upper = upper};
  return linalg_apply(&inverse_spec, a, p, s, &out) ? NULL : out;
}

int op_qr(lz_array* a, lz_stream* s, lz_array* out[2]) {
  return linalg_apply(&qr_spec, a, (linalg_params){.vectors = 1}, s, out);
}

int op_svd(lz_array* a, bool vectors, lz_stream* s, lz_array* out[3]) {
  linalg_params p = {.vectors = vectors};
  return linalg_apply(&svd_spec, a, p, s, out);
}

int op_eigh(
    lz_array* a,
    const char* triangle,
    bool vectors,
    lz_stream* s,
    lz_array* out[2]) {
  if (!a || !s) return 1;
  bool upper = strcmp(triangle, "U") == 0;
  if (!upper && strcmp(triangle, "L") != 0)
    return error_fail(
        "[linalg::eigh] argument UPLO: \"%s\" is neither \"L\" nor \"U\"",
        triangle);
  linalg_params p = {.vectors = vectors, .upper = upper};
  return linalg_apply(&eigh_spec, a, p, s, out);
}

int op_eig(lz_array* a, bool vectors, lz_stream* s, lz_array* out[2]) {
  linalg_params p = {.vectors = vectors};
  return linalg_apply(&eig_spec, a, p, s, out);
}

int linalg_lu_all(lz_array* a, lz_stream* s, lz_array* out[3]) {
  return linalg_apply(&lu_spec, a, (linalg_params){.vectors = 1}, s, out);
}

/* ---- kernels ------------------------------------------------------------- */

/* A view of output i of the operation, of scratch where nobody wants it. */
typedef struct linalg_out {
  lz_view view;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[LZ_MAX_DIMS];
} linalg_out;

static int linalg_bind(lz_exec* x, int i, const char* output, linalg_out* o) {
  const lz_array* a = x->in[0];
  if (x->out[i]) {
    if (exec_alloc(x, i)) return 1;
    o->view = array_view(x->out[i]);
    return 0;
  }
  lz_dtype dtype;
  int ndim = linalg_output(
      output, (lz_dtype)a->dtype, a->ndim, a->shape, &dtype, o->shape);
  int64_t size = 1;
  for (int k = ndim; k-- > 0;) {
    o->strides[k] = size;
    size *= o->shape[k];
  }
  void* data = exec_scratch(x, (size_t)(size ? size : 1) * dtype_size(dtype));
  o->view = (lz_view){
      .data = data,
      .dtype = dtype,
      .ndim = (uint8_t)ndim,
      .shape = o->shape,
      .strides = o->strides};
  return !data;
}

static int linalg_status(const lz_exec* x, int status) {
  const char* name = linalg_spec_of(x->op)->name;
  const lz_array* a = x->in[0];
  if (status == LINALG_OK) return 0;
  if (status == LINALG_MEMORY) return error_memory() == NULL;
  if (status == LINALG_INVALID)
    return error_fail("[%s] NaN or infinity in %s", name, error_shape_of(a));
  if (x->op == &op_inverse_desc || x->op == &op_lu_desc)
    return error_fail(
        "[%s] a matrix of %s is singular: pivot %d is zero",
        name,
        error_shape_of(a),
        status);
  return error_fail(
      "[%s] did not converge for %s (%d)", name, error_shape_of(a), status);
}

static int cholesky_cpu(lz_exec* x) {
  const linalg_params* p = x->params;
  linalg_out out;
  lz_view a = array_view(x->in[0]);
  return linalg_bind(x, 0, "aMN", &out) ||
         linalg_status(x, linalg_cholesky(&a, &out.view, p->upper));
}

static int inverse_cpu(lz_exec* x) {
  const linalg_params* p = x->params;
  linalg_out out;
  lz_view a = array_view(x->in[0]);
  return linalg_bind(x, 0, "aMN", &out) ||
         linalg_status(
             x, linalg_inverse(&a, &out.view, p->triangular, p->upper));
}

static int qr_cpu(lz_exec* x) {
  linalg_out q, r;
  lz_view a = array_view(x->in[0]);
  return linalg_bind(x, 0, "aMK", &q) || linalg_bind(x, 1, "aKN", &r) ||
         linalg_status(x, linalg_qr(&a, &q.view, &r.view));
}

static int svd_cpu(lz_exec* x) {
  linalg_out u, values, vt;
  lz_view a = array_view(x->in[0]);
  bool vectors = x->n_out == 3 && (x->out[0] || x->out[2]);
  if (linalg_bind(x, x->n_out == 3 ? 1 : 0, "rK", &values)) return 1;
  if (!vectors)
    return linalg_status(x, linalg_svd(&a, NULL, &values.view, NULL));
  return linalg_bind(x, 0, "aMM", &u) || linalg_bind(x, 2, "aNN", &vt) ||
         linalg_status(x, linalg_svd(&a, &u.view, &values.view, &vt.view));
}

static int eigh_cpu(lz_exec* x) {
  const linalg_params* p = x->params;
  linalg_out values, vectors;
  lz_view a = array_view(x->in[0]);
  bool wanted = x->n_out == 2 && x->out[1];
  return linalg_bind(x, 0, "rN", &values) ||
         (wanted && linalg_bind(x, 1, "aNN", &vectors)) ||
         linalg_status(
             x,
             linalg_eigh(
                 &a, &values.view, wanted ? &vectors.view : NULL, p->upper));
}

static int eig_cpu(lz_exec* x) {
  linalg_out values, vectors;
  lz_view a = array_view(x->in[0]);
  bool wanted = x->n_out == 2 && x->out[1];
  return linalg_bind(x, 0, "cN", &values) ||
         (wanted && linalg_bind(x, 1, "cNN", &vectors)) ||
         linalg_status(
             x, linalg_eig(&a, &values.view, wanted ? &vectors.view : NULL));
}

static int lu_cpu(lz_exec* x) {
  linalg_out lu, pivots, rows;
  lz_view a = array_view(x->in[0]);
  return linalg_bind(x, 0, "aMN", &lu) || linalg_bind(x, 1, "uK", &pivots) ||
         linalg_bind(x, 2, "uM", &rows) ||
         linalg_status(x, linalg_lu(&a, &lu.view, &pivots.view, &rows.view));
}

#define LINALG_DESC(id, text)        \
  const lz_op op_##id##_desc = {     \
      .name = text,                  \
      .flags = OP_NO_FOLD | OP_HOST, \
      .cpu = id##_cpu,               \
      .infer = linalg_infer,         \
      .vmap = linalg_vmap};
LINALG_DESC(cholesky, "Cholesky")
LINALG_DESC(inverse, "Inverse")
LINALG_DESC(qr, "QRF")
LINALG_DESC(svd, "SVD")
LINALG_DESC(eigh, "Eigh")
LINALG_DESC(eig, "Eig")
LINALG_DESC(lu, "LUF")
