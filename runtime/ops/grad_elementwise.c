/* How the element-wise operations are transformed, all of them by one table. */
#include "core/scope.h"
#include "ops/create.h"
#include "ops/elementwise.h"
#include "ops/rules.h"
#include "ops/shape.h"

enum { GRAD_ABSENT, GRAD_ZERO, GRAD_OF };

typedef struct grad_result {
  int kind;
  lz_array* array;
} grad_result;

#define NONE ((grad_result){GRAD_ZERO, NULL})
#define K(x) op_scalar((lz_dtype)a->dtype, x)
/* An expression of the table is an array, or NONE. */
static grad_result grad_wrap(lz_array* a) {
  return (grad_result){GRAD_OF, a};
}
#define WRAP(e) \
  _Generic((e), grad_result : grad_pass, lz_array * : grad_wrap)(e)
static grad_result grad_pass(grad_result r) {
  return r;
}

/* The imaginary unit. */
static lz_array* grad_i(lz_stream* s) {
  (void)s;
  const float i[2] = {0, 1};
  return scope_own(array_new_data(DTYPE_COMPLEX64, 0, NULL, i));
}

static lz_array* grad_conjugate(lz_array* a, bool back, lz_stream* s) {
  return back && a && a->dtype == DTYPE_COMPLEX64 ? op_conjugate(a, s) : a;
}
#define C(x) grad_conjugate(x, back, s)

typedef grad_result (*grad_fn)(
    int which,
    bool back,
    lz_array* const* in,
    lz_array* y,
    lz_array* g,
    lz_stream* s);

#define ARGS                                                           \
  int which, bool back, lz_array *const *in, lz_array *y, lz_array *g, \
      lz_stream *s
#define GRAD1(id, da)                                            \
  static grad_result grad_##id(ARGS) {                           \
    lz_array* a = in[0];                                         \
    (void)which, (void)back, (void)a, (void)y, (void)g, (void)s; \
    return WRAP(da);                                             \
  }
#define GRAD1B(id, da, ta) GRAD1(id, back ? (da) : (ta))
#define GRAD2(id, da, db)                                    \
  static grad_result grad_##id(ARGS) {                       \
    lz_array *a = in[0], *b = in[1];                         \
    (void)back, (void)a, (void)b, (void)y, (void)g, (void)s; \
    if (which == 0) return WRAP(da);                         \
    return WRAP(db);                                         \
  }
#define GRAD3(id, da, db, dc)                                         \
  static grad_result grad_##id(ARGS) {                                \
    lz_array *a = in[0], *b = in[1], *c = in[2];                      \
    (void)back, (void)a, (void)b, (void)c, (void)y, (void)g, (void)s; \
    if (which == 0) return WRAP(da);                                  \
    if (which == 1) return WRAP(db);                                  \
    return WRAP(dc);                                                  \
  }
#include "ops/grad_elementwise.def"
#undef GRAD1
#undef GRAD1B
#undef GRAD2
#undef GRAD3

static const grad_fn grads[EW_ALL] = {
#define GRAD1(id, da) [EW_##id] = grad_##id,
#define GRAD1B(id, da, ta) [EW_##id] = grad_##id,
#define GRAD2(id, da, db) [EW_##id] = grad_##id,
#define GRAD3(id, da, db, dc) [EW_##id] = grad_##id,
#include "ops/grad_elementwise.def"
};

#undef GRAD1
#undef GRAD1B
#undef GRAD2
#undef GRAD3

/* Operations that say themselves how complex cotangents go back. */
static const bool says_back[EW_ALL] = {
#define GRAD1(id, da)
#define GRAD1B(id, da, ta) [EW_##id] = true,
#define GRAD2(id, da, db)
#define GRAD3(id, da, db, dc)
#include "ops/grad_elementwise.def"
};

/* Of one complex operand: the conjugate of what a tangent would become. */
static grad_result grad_complex(grad_fn f, const lz_vjp* v) {
  lz_array* g = op_conjugate(v->cotan[0], v->stream);
  grad_result r = f(0, false, v->in, v->out[0], g, v->stream);
  if (r.array) r.array = op_conjugate(r.array, v->stream);
  return r;
}

int elementwise_vjp(const lz_vjp* v) {
  const lz_node* n = v->node;
  grad_fn f = grads[n->op->elementwise];
  bool complex = n->n_inputs == 1 && !says_back[n->op->elementwise] &&
                 v->in[0]->dtype == DTYPE_COMPLEX64 &&
                 v->out[0]->dtype == DTYPE_COMPLEX64;
  for (uint32_t i = 0; i < n->n_inputs; i++) {
    if (!v->wanted[i]) continue;
    if (!f) return rules_no_gradient(n);
    grad_result r =
        complex ? grad_complex(f, v)
                : f((int)i, true, v->in, v->out[0], v->cotan[0], v->stream);
    if (r.kind == GRAD_OF && !r.array) return 1;
    v->grad[i] = r.array;
  }
  return 0;
}

/* The derivative is diagonal: a tangent goes the way of a cotangent, unless the
 * table says otherwise. */
int elementwise_jvp(const lz_jvp* v) {
  grad_fn f = grads[v->node->op->elementwise];
  lz_array* sum = NULL;
  for (uint32_t i = 0; i < v->node->n_inputs; i++) {
    if (!v->tangent[i]) continue;
    if (!f) return rules_no_gradient(v->node);
    grad_result r =
        f((int)i, false, v->in, v->out[0], v->tangent[i], v->stream);
    if (r.kind != GRAD_OF) continue;
    if (!r.array) return 1;
    sum = sum ? op_add(sum, r.array, v->stream) : r.array;
    if (!sum) return 1;
  }
  v->result[0] = sum;
  return 0;
}

/* Operands broadcast by their last axes: the mapped axis goes to the front, and
 * ones come between it and what is shorter than the others. */
int elementwise_vmap(const lz_vmap* v) {
  const lz_node* n = v->node;
  lz_array* in[3];
  int rank = n->outputs[0]->ndim;
  int32_t batch = 0;
  for (uint32_t i = 0; i < n->n_inputs; i++)
    if (v->axis[i] >= 0) batch = v->in[i]->shape[v->axis[i]];
  int32_t shape[LZ_MAX_DIMS];
  shape[0] = batch;
  for (int d = 0; d < n->outputs[0]->ndim; d++)
    shape[d + 1] = n->outputs[0]->shape[d];
  for (uint32_t i = 0; i < n->n_inputs; i++) {
    in[i] = v->in[i];
    if (v->axis[i] < 0) continue;
    in[i] = op_moveaxis(in[i], v->axis[i], 0, v->stream);
    int ones[LZ_MAX_DIMS], k = 0;
    for (int d = in[i] ? in[i]->ndim - 1 : rank; d < rank; d++)
      ones[k] = 1 + k, k++;
    if (k) in[i] = op_expand_dims(in[i], ones, k, v->stream);
    if (!in[i]) return 1;
  }
  v->result[0] = scope_own(node_make(
      n->op,
      v->stream,
      in,
      (int)n->n_inputs,
      n->params,
      n->params_size,
      (lz_dtype)n->outputs[0]->dtype,
      n->outputs[0]->ndim + 1,
      shape));
  v->result_axis[0] = 0;
  return !v->result[0];
}
