#include "cpu/attention.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/lead.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

ISA_DECLARE(attention_table, attention_table)

/* Keys of a block: with its scores it stays in L1. */
#define KEYS 64
/* Panels of queries that share a block of keys while it is in the cache. */
#define PANELS 4
/* Up to so many queries keys are multiplied as they lie in memory. */
#define FEW 8
#define LANES_MAX 32

typedef struct attention_call {
  const attention_table* t;
  const attention_args* args;
  const lz_view *q, *k, *v, *out;
  lz_dtype dtype;
  int64_t heads, groups, repeats; /* query heads, of keys, per one of keys */
  int64_t lq, lk, d, e;
  int64_t rows;  /* queries of one head of keys: repeats * lq */
  int64_t parts; /* of one head of keys */
  int64_t mask_strides[4];
  _Atomic int failed;
} attention_call;

/* One query: where it is and what it sees. */
typedef struct attention_row {
  int64_t batch, head, i;
  int64_t last; /* key, of causal; may be negative: none */
} attention_row;

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static attention_row row_at(
    const attention_call* c, int64_t batch, int64_t group, int64_t row) {
  attention_row r = {
      .batch = batch,
      .head = group * c->repeats + row / c->lq,
      .i = row % c->lq};
  r.last = c->args->causal ? r.i + c->lk - c->lq : c->lk - 1;
  return r;
}

static char* at4(const lz_view* v, int64_t a, int64_t b, int64_t c, int64_t d) {
  const int64_t* s = v->strides;
  return lead_data(v, a * s[0] + b * s[1] + c * s[2] + d * s[3]);
}

static const char* mask_at(
    const attention_call* c, const attention_row* r, int64_t j) {
  const int64_t* s = c->mask_strides;
  return lead_data(
      c->args->mask, r->batch * s[0] + r->head * s[1] + r->i * s[2] + j * s[3]);
}

/* Elements from one row of a converted block to the next: rows do not fall
 * into the same lines of a cache. */
static int64_t row_step(int64_t width) {
  return ((width + 15) & ~15) + 16;
}

/* Rows of keys or values as float, in the cache. */
static void rows_as_float(
    const attention_call* c,
    const lz_view* v,
    int64_t batch,
    int64_t group,
    int64_t j0,
    int64_t n,
    int64_t width,
    float* room) {
  for (int64_t j = 0; j < n; j++)
    gemm_kernels()->load[c->dtype](
        room + j * row_step(width),
        at4(v, batch, group, j0 + j, 0),
        v->strides[3],
        width);
}

static float sink_of(const attention_call* c, int64_t head) {
  const lz_view* s = c->args->sinks;
  return (float)dtype_load(s->dtype, lead_data(s, head * s->strides[0]));
}

static void finish_row(
    const attention_call* c,
    const attention_row* r,
    float largest,
    float sum,
    float* o) {
  const float by = 1 / sum;
  for (int64_t e = 0; e < c->e; e++) o[e] *= by;
  gemm_kernels()->store[c->dtype](
      at4(c->out, r->batch, r->head, r->i, 0), c->out->strides[3], o, c->e);
  if (c->args->logsumexp)
    c->args->logsumexp[(r->batch * c->heads + r->head) * c->lq + r->i] =
        largest + logf(sum);
}

typedef struct attention_panel {
  attention_row rows[LANES_MAX];
  int n;
  int64_t first_last, last_last; /* of the rows' last keys */
  float last[LANES_MAX], largest[LANES_MAX], sums[LANES_MAX], factor[LANES_MAX];
  float *q, *o; /* [d][lanes], [e][lanes] */
} attention_panel;

static void panel_begin(
    const attention_call* c,
    attention_panel* p,
    int64_t batch,
    int64_t group,
    int64_t row0,
    int n) {
  const int lanes = c->t->lanes;
  p->n = n;
  memset(p->q, 0, (size_t)(c->d * lanes) * sizeof(float));
  memset(p->o, 0, (size_t)(c->e * lanes) * sizeof(float));
  p->first_last = INT64_MAX;
  p->last_last = INT64_MIN;
  for (int l = 0; l < lanes; l++) {
    /* Lanes beyond the last query repeat it; nobody reads them. */
    p->rows[l] = row_at(c, batch, group, row0 + min64(l, n - 1));
    const attention_row* r = &p->rows[l];
    p->last[l] = (float)r->last;
    p->first_last = min64(p->first_last, r->last);
    if (r->last > p->last_last) p->last_last = r->last;
    p->largest[l] = -INFINITY;
    p->sums[l] = 0;
    if (c->args->sinks) {
      p->largest[l] = sink_of(c, r->head);
      p->sums[l] = 1;
    }
  }
  const gemm_table* g = gemm_kernels();
  const attention_row* r = p->rows;
  if (r[0].head == r[n - 1].head)
    g->pack[c->dtype](
        p->q,
        lanes,
        n,
        c->d,
        at4(c->q, r->batch, r->head, r->i, 0),
        c->q->strides[2],
        c->q->strides[3]);
  else
    for (int l = 0; l < n; l++)
      for (int64_t d = 0; d < c->d; d++)
        g->load[c->dtype](
            p->q + d * lanes + l,
            at4(c->q, r[l].batch, r[l].head, r[l].i, d),
            1,
            1);
  for (int64_t i = 0; i < c->d * lanes; i++) p->q[i] *= c->args->scale;
}

/* The mask's elements for the panel: to[j][lane]. */
static void panel_mask(
    const attention_call* c,
    const attention_panel* p,
    int64_t j0,
    int64_t n,
    float* to) {
  const gemm_table* g = gemm_kernels();
  const lz_dtype d = c->args->mask->dtype;
  const int lanes = c->t->lanes;
  if (p->rows[0].head == p->rows[p->n - 1].head) {
    g->pack[d](
        to,
        lanes,
        p->n,
        n,
        mask_at(c, &p->rows[0], j0),
        c->mask_strides[2],
        c->mask_strides[3]);
    return;
  }
  float line[KEYS];
  for (int l = 0; l < p->n; l++) {
    g->pack[d](
        line, 1, 1, n, mask_at(c, &p->rows[l], j0), 0, c->mask_strides[3]);
    for (int64_t j = 0; j < n; j++) to[j * lanes + l] = line[j];
  }
  for (int64_t j = 0; j < n; j++)
    for (int l = p->n; l < lanes; l++) to[j * lanes + l] = 0;
}

static void panel_block(
    const attention_call* c,
    attention_panel* p,
    int64_t j0,
    int64_t n,
    const float* k,
    const float* v,
    float* s,
    float* mask) {
  const int lanes = c->t->lanes;
  c->t->scores(s, k, row_step(c->d), n, p->q, c->d);
  if (c->args->causal) {
    if (j0 + n - 1 > p->first_last) c->t->hide_after(s, j0, p->last, n);
  } else if (c->args->mask) {
    panel_mask(c, p, j0, n, mask);
    if (c->args->mask->dtype == DTYPE_BOOL)
      c->t->hide(s, mask, n);
    else
      for (int64_t i = 0; i < n * lanes; i++) s[i] += mask[i];
  }
  c->t->softmax(s, n, p->largest, p->sums, p->factor);
  c->t->values(p->o, v, row_step(c->e), n, c->e, s, p->factor);
}

/* lines: room for lanes * e floats. */
static void panel_end(
    const attention_call* c, attention_panel* p, float* lines) {
  const int lanes = c->t->lanes;
  gemm_kernels()->pack[DTYPE_FLOAT32](
      lines, (int)c->e, (int)c->e, lanes, p->o, lanes, 1);
  for (int l = 0; l < p->n; l++)
    finish_row(c, &p->rows[l], p->largest[l], p->sums[l], lines + l * c->e);
}

/* Rows [row0, row1) of one head of keys, at most PANELS panels. */
static int many_rows(
    const attention_call* c,
    int64_t batch,
    int64_t group,
    int64_t row0,
    int64_t row1) {
  const int lanes = c->t->lanes;
  const size_t floats =
      (size_t)(KEYS * (row_step(c->d) + row_step(c->e)) + 2 * KEYS * lanes + c->e * lanes + PANELS * (c->d + c->e) * lanes);
  float* s = scratch_get(SCRATCH_KERNEL, floats * sizeof *s);
  if (!s) return 1;
  float* mask = s + KEYS * lanes;
  float* at = mask + KEYS * lanes;
  attention_panel panels[PANELS];
  int count = 0;
  /* A row that sees no key at all takes the mean of all values. */
  int64_t end = 0;
  bool whole = !c->args->causal;
  for (int64_t r = row0; r < row1; r += lanes, count++) {
    attention_panel* p = &panels[count];
    p->q = at;
    p->o = at + c->d * lanes;
    at = p->o + c->e * lanes;
    panel_begin(c, p, batch, group, r, (int)min64(lanes, row1 - r));
    if (p->first_last < 0) whole = true;
    if (p->last_last + 1 > end) end = p->last_last + 1;
  }
  if (whole) end = c->lk;
  float *k = at, *v = k + KEYS * row_step(c->d);
  float* lines = v + KEYS * row_step(c->e);
  for (int64_t j = 0; j < end; j += KEYS) {
    const int64_t n = min64(KEYS, end - j);
    rows_as_float(c, c->k, batch, group, j, n, c->d, k);
    rows_as_float(c, c->v, batch, group, j, n, c->e, v);
    for (int i = 0; i < count; i++) {
      const int64_t seen = whole ? n : panels[i].last_last + 1 - j;
      if (seen > 0)
        panel_block(c, &panels[i], j, min64(n, seen), k, v, s, mask);
    }
  }
  for (int i = 0; i < count; i++) panel_end(c, &panels[i], lines);
  return 0;
}

/* Scores of a row that its mask hides or changes; row is that of s. */
static void few_mask(
    const attention_call* c,
    const attention_row* row,
    int64_t j0,
    int64_t n,
    float* s,
    float* line) {
  if (c->args->causal) {
    for (int64_t j = 0; j < n; j++)
      if (j0 + j > row->last) s[j] = -FLT_MAX;
    return;
  }
  if (!c->args->mask) return;
  const lz_dtype d = c->args->mask->dtype;
  gemm_kernels()->pack[d](
      line, 1, 1, n, mask_at(c, row, j0), 0, c->mask_strides[3]);
  for (int64_t j = 0; j < n; j++)
    s[j] = d != DTYPE_BOOL ? s[j] + line[j] : line[j] == 0 ? -FLT_MAX : s[j];
}

/* Few queries, as when tokens are generated: keys and values are read once, as
 * they lie in memory. */
static int few_rows(const attention_call* c, int64_t batch, int64_t group) {
  const int64_t block = 128, n_rows = c->rows;
  float* q = scratch_get(
      SCRATCH_KERNEL,
      (size_t)(n_rows * (c->d + c->e + block) + block) * sizeof *q);
  if (!q) return 1;
  float* o = q + n_rows * c->d;
  float *s = o + n_rows * c->e, *line = s + n_rows * block;
  attention_row rows[FEW];
  float largest[FEW], sums[FEW];
  memset(o, 0, (size_t)(n_rows * c->e) * sizeof *o);
  for (int64_t r = 0; r < n_rows; r++) {
    rows[r] = row_at(c, batch, group, r);
    gemm_kernels()->load[c->dtype](
        q + r * c->d,
        at4(c->q, batch, rows[r].head, rows[r].i, 0),
        c->q->strides[3],
        c->d);
    for (int64_t d = 0; d < c->d; d++) q[r * c->d + d] *= c->args->scale;
    largest[r] = c->args->sinks ? sink_of(c, rows[r].head) : -INFINITY;
    sums[r] = c->args->sinks ? 1 : 0;
  }
  for (int64_t j0 = 0; j0 < c->lk; j0 += block) {
    const int64_t n = min64(block, c->lk - j0);
    c->t->few_scores[c->dtype](
        s,
        block,
        at4(c->k, batch, group, j0, 0),
        c->k->strides[2],
        n,
        q,
        (int)n_rows,
        c->d);
    for (int64_t r = 0; r < n_rows; r++) {
      float* p = s + r * block;
      few_mask(c, &rows[r], j0, n, p, line);
      const float before = largest[r], now = c->t->max(p, n);
      if (!(now <= before)) largest[r] = now;
      if (largest[r] == -INFINITY) {
        memset(p, 0, (size_t)n * sizeof *p);
        continue;
      }
      const float factor = expf(before - largest[r]);
      sums[r] = sums[r] * factor + c->t->exp(p, n, largest[r]);
      if (factor != 1)
        for (int64_t e = 0; e < c->e; e++) o[r * c->e + e] *= factor;
    }
    c->t->few_values[c->dtype](
        o,
        at4(c->v, batch, group, j0, 0),
        c->v->strides[2],
        n,
        c->e,
        s,
        block,
        (int)n_rows);
  }
  for (int64_t r = 0; r < n_rows; r++)
    finish_row(c, &rows[r], largest[r], sums[r], o + r * c->e);
  return 0;
}

static void attention_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  attention_call* c = ctx;
  for (int64_t i = begin; i < end; i++) {
    const int64_t group = i / c->parts % c->groups;
    const int64_t batch = i / c->parts / c->groups;
    /* The last queries see most keys: they go first, so that what is left at
     * the end is short. */
    const int64_t part = c->parts - 1 - i % c->parts;
    const int64_t step = (int64_t)c->t->lanes * PANELS;
    int status;
    if (c->parts == 1 && c->rows <= FEW && c->k->strides[3] == 1 &&
        c->v->strides[3] == 1)
      status = few_rows(c, batch, group);
    else
      status = many_rows(
          c, batch, group, part * step, min64(c->rows, (part + 1) * step));
    if (status) atomic_store(&c->failed, 1);
  }
}

static void zero_rows(attention_call* c) {
  float zero[64] = {0};
  for (int64_t b = 0; b < c->q->shape[0]; b++)
    for (int64_t h = 0; h < c->heads; h++)
      for (int64_t i = 0; i < c->lq; i++)
        for (int64_t e = 0; e < c->e; e += 64)
          gemm_kernels()->store[c->dtype](
              at4(c->out, b, h, i, e),
              c->out->strides[3],
              zero,
              min64(64, c->e - e));
}

int attention_run(
    const lz_view* q,
    const lz_view* k,
    const lz_view* v,
    const lz_view* out,
    const attention_args* args) {
  if (view_size(out) == 0) return 0;
  attention_call c = {
      .t = ISA_PICK(attention_table),
      .args = args,
      .q = q,
      .k = k,
      .v = v,
      .out = out,
      .dtype = q->dtype,
      .heads = q->shape[1],
      .groups = k->shape[1],
      .repeats = q->shape[1] / k->shape[1],
      .lq = q->shape[2],
      .lk = k->shape[2],
      .d = q->shape[3],
      .e = v->shape[3]};
  c.rows = c.repeats * c.lq;
  if (c.lk == 0) {
    zero_rows(&c);
    return 0;
  }
  if (args->mask)
    for (int axis = 0; axis < 4; axis++)
      c.mask_strides[3 - axis] = lead_stride(args->mask, 0, axis);
  const int64_t step = (int64_t)c.t->lanes * PANELS;
  c.parts = (c.rows + step - 1) / step;
  const int64_t parts = q->shape[0] * c.groups * c.parts;
  const double work =
      (double)min64(c.rows, step) * (double)c.lk * (double)(c.d + c.e);
  pool_for(
      parts, work < 65536 ? (int64_t)(65536 / work) : 1, attention_parts, &c);
  return atomic_load(&c.failed);
}
