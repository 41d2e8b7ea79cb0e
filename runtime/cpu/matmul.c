#include "cpu/matmul.h"

#include <stdlib.h>

#include "cpu/lead.h"
#include "cpu/matmul_plan.h"

static matmul_matrix matmul_matrix_of(const lz_view* v) {
  return (matmul_matrix){
      v->data, v->strides[v->ndim - 2], v->strides[v->ndim - 1]};
}

matmul_plan matmul_plan_of(
    const lz_view* a, const lz_view* b, const lz_view* out) {
  matmul_plan p = {
      .dtype = out->dtype,
      .m = out->shape[out->ndim - 2],
      .n = out->shape[out->ndim - 1],
      .k = a->shape[a->ndim - 1],
      .a = matmul_matrix_of(a),
      .b = matmul_matrix_of(b),
      .out = matmul_matrix_of(out),
      .alpha = 1};
  p.batch = view_size(out) / (p.m * p.n);
  return p;
}

/* c may broadcast in its matrix axes as well, and be a vector or a scalar. */
static matmul_matrix matmul_addend(const lz_view* c) {
  matmul_matrix m = {c->data, 0, 0};
  if (c->ndim > 1 && c->shape[c->ndim - 2] != 1)
    m.row = c->strides[c->ndim - 2];
  if (c->ndim > 0 && c->shape[c->ndim - 1] != 1)
    m.col = c->strides[c->ndim - 1];
  return m;
}

static void matmul_starts(
    matmul_start* starts,
    int64_t batch,
    const lz_view* a,
    const lz_view* b,
    const lz_view* c,
    const lz_view* out) {
  const int lead = out->ndim - 2;
  int32_t index[LZ_MAX_DIMS] = {0};
  matmul_start at = {0, 0, 0, 0};
  for (int64_t i = 0; i < batch; i++) {
    starts[i] = at;
    for (int axis = 0; axis < lead; axis++) {
      const int32_t extent = out->shape[lead - 1 - axis];
      const int64_t step = index[axis] + 1 < extent ? 1 : 1 - (int64_t)extent;
      at.a += step * lead_stride(a, 2, axis);
      at.b += step * lead_stride(b, 2, axis);
      at.out += step * lead_stride(out, 2, axis);
      if (c) at.c += step * lead_stride(c, 2, axis);
      index[axis] = step == 1 ? index[axis] + 1 : 0;
      if (step == 1) break;
    }
  }
}

/* Matrices of a that share one b and follow each other at even distance are
 * one tall matrix: (B, M, K) @ (K, N) is (B*M, K) @ (K, N). */
static void matmul_merge(matmul_plan* p) {
  if (p->batch < 2) return;
  const matmul_start *s = p->starts, *first = p->starts;
  if (p->m == 1) {
    /* The one row of a matrix follows no other: its stride is free. */
    p->a.row = s[1].a - s[0].a;
    p->out.row = s[1].out - s[0].out;
    p->c.row = s[1].c - s[0].c;
  }
  for (int64_t i = 0; i < p->batch; i++, s++)
    if (s->b != first->b || s->a - first->a != i * p->m * p->a.row ||
        s->c - first->c != i * p->m * p->c.row ||
        s->out - first->out != i * p->m * p->out.row)
      return;
  p->m *= p->batch;
  p->batch = 1;
}

int matmul_run(
    const lz_view* a,
    const lz_view* b,
    const lz_view* out,
    const matmul_epilogue* e) {
  return matmul_run_made(a, b, out, e, NULL);
}

int matmul_run_made(
    const lz_view* a,
    const lz_view* b,
    const lz_view* out,
    const matmul_epilogue* e,
    const lz_maker* maker) {
  if (view_size(out) == 0) return 0;
  const lz_view* c = e && e->c && e->beta != 0 ? e->c : NULL;
  matmul_plan p = matmul_plan_of(a, b, out);
  if (e) {
    p.alpha = e->alpha;
    p.beta = e->beta;
    p.done = e->done;
    p.done_ctx = e->ctx;
  }
  if (c) p.c = matmul_addend(c);
  matmul_start few[16];
  matmul_start* starts = few;
  if (p.batch > 16) {
    starts = malloc((size_t)p.batch * sizeof *starts);
    if (!starts) return 1;
  }
  matmul_starts(starts, p.batch, a, b, c, out);
  p.starts = starts;
  if (!maker || !maker->turned) matmul_merge(&p);
  int status = maker ? matmul_execute_made(&p, maker) : matmul_execute(&p);
  if (starts != few) free(starts);
  return status;
}
