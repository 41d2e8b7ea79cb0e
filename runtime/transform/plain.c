#include "transform/plain.h"

#include <stdlib.h>

#include "core/error.h"
#include "core/scope.h"
#include "ops/shape.h"
#include "transform/vjp.h"

/* The plain form on stand-ins for the inputs that are asked about: the graph
 * between them and the outputs is that of this operation alone. */
typedef struct plain_form {
  lz_array** in; /* all inputs */
  lz_array** of; /* the stand-ins, n_of */
  lz_array** out;
  size_t n_of;
} plain_form;

static int plain_make(
    plain_form* f,
    const lz_node* n,
    lz_array* const* in,
    const uint8_t* asked,
    lz_stream* s) {
  size_t ni = n->n_inputs, no = n->n_outputs;
  f->in = calloc(2 * ni + no + 1, sizeof *f->in);
  if (!f->in) return error_memory() == NULL;
  f->of = f->in + ni;
  f->out = f->of + ni;
  for (size_t i = 0; i < ni; i++) {
    f->in[i] = in[i];
    if (!asked[i]) continue;
    lz_array* t = op_copy(in[i], s);
    if (!t) return 1;
    t->flags |= ARRAY_TRACER;
    f->of[f->n_of++] = f->in[i] = t;
  }
  return n->op->plain(n, f->in, f->out, s);
}

int derive_vjp(const lz_vjp* v) {
  const lz_op* op = v->node->op;
  int failed = op->vjp ? op->vjp(v) : DERIVE_PLAIN;
  if (failed != DERIVE_PLAIN) return failed;
  if (!op->plain) return error_fail("[vjp] %s has no gradient", op->name);
  plain_form f = {0};
  failed = plain_make(&f, v->node, v->in, v->wanted, v->stream);
  lz_array** grad = calloc(f.n_of + 1, sizeof *grad);
  if (!failed && !grad) failed = error_memory() == NULL;
  failed = failed ||
           vjp_pull(f.of, f.n_of, f.out, v->cotan, v->node->n_outputs, grad);
  for (size_t i = 0, k = 0; i < v->node->n_inputs && !failed; i++)
    if (v->wanted[i]) v->grad[i] = grad[k++];
  free(grad);
  free(f.in);
  return failed;
}

int derive_jvp(const lz_jvp* v, bool* without) {
  const lz_op* op = v->node->op;
  *without = false;
  int failed = op->jvp ? op->jvp(v) : DERIVE_PLAIN;
  if (failed != DERIVE_PLAIN) return failed;
  if (!op->plain) {
    *without = true;
    return 0;
  }
  size_t ni = v->node->n_inputs;
  plain_form f = {0};
  uint8_t* asked = calloc(ni + 1, 1);
  lz_array** tangents = calloc(ni + 1, sizeof *tangents);
  failed = !asked || !tangents ? error_memory() == NULL : 0;
  for (size_t i = 0, k = 0; i < ni && !failed; i++)
    if ((asked[i] = v->tangent[i] != NULL)) tangents[k++] = v->tangent[i];
  failed =
      failed || plain_make(&f, v->node, v->in, asked, v->stream) ||
      jvp_push(f.of, tangents, f.n_of, f.out, v->node->n_outputs, v->result);
  free(asked);
  free(tangents);
  free(f.in);
  return failed;
}
