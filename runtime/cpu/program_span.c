#include "cpu/program_span.h"

#include <string.h>

#include "cpu/program_job.h"
#include "cpu/tile.h"

/* Bytes that the registers of a piece may take. */
#if defined(LAZULI_HOSTILE)
enum { SPAN_SCRATCH = 1024 };
#else
enum { SPAN_SCRATCH = 32 << 10 };
#endif

void program_span_open(
    program_span* s,
    const lz_program* program,
    int ndim,
    const int32_t* shape,
    const lz_view* inputs) {
  s->program = program;
  s->inputs = inputs;
  for (int d = 0; d < ndim; d++) s->shape[d] = shape[d];
  for (int i = 0; i < program->n_inputs; i++)
    memcpy(s->strides[i], inputs[i].strides, sizeof(int64_t) * (size_t)ndim);
  s->ndim = view_collapse(program->n_inputs, ndim, s->shape, s->strides);
  program_resolve(program, s->fn);
}

static size_t span_size(const program_span* s) {
  const lz_program* p = s->program;
  int out = p->output_registers[0];
  if (out < p->n_inputs) return dtype_size(s->inputs[out].dtype);
  int i = p->n_instrs - 1;
  while (p->instrs[i].dst != out) i--;
  return dtype_size((lz_dtype)p->instrs[i].out_dtype);
}

/* Register i for elements [column, column+n) of the row at `offset`. Kernels
 * read up to a multiple of EW_PAD, so what ends elsewhere is copied. */
static char* span_bind(
    const program_span* s,
    int i,
    int64_t offset,
    int64_t column,
    int n,
    char* buffer) {
  const lz_view* v = &s->inputs[i];
  size_t size = dtype_size(v->dtype);
  int64_t step = s->strides[i][s->ndim - 1];
  char* base = (char*)v->data + (offset + column * step) * (int64_t)size;
  int padded = (n + EW_PAD - 1) & -EW_PAD;
  if (step == 1 && n == padded) return base;
  if (step == 0) {
    tile_fill(buffer, base, padded, size);
    return buffer;
  }
  if (step == 1)
    memcpy(buffer, base, (size_t)n * size);
  else
    tile_load(buffer, base, 0, step, 1, n, size);
  memset(buffer + (size_t)n * size, 0, (size_t)(padded - n) * size);
  return buffer;
}

/* Where a stretch lies. */
typedef struct span_place {
  int64_t first;          /* number of its first element */
  int64_t column;         /* of that in its row */
  const int64_t* offsets; /* of the row in each input; NULL: it may be of
                             several rows, each element is looked for */
} span_place;

static char* span_gather(
    const program_span* s, int i, int64_t first, int n, char* buffer) {
  const lz_view* v = &s->inputs[i];
  size_t size = dtype_size(v->dtype);
  lz_view merged = {v->data, v->dtype, s->ndim, s->shape, s->strides[i]};
  int padded = (n + EW_PAD - 1) & -EW_PAD;
  char* base = (char*)v->data + first * (int64_t)size;
  if (!view_is_contiguous(&merged))
    tile_gather(
        buffer, v->data, size, s->ndim, s->shape, s->strides[i], first, n);
  else if (n == padded)
    return base;
  else
    memcpy(buffer, base, (size_t)n * size);
  memset(buffer + (size_t)n * size, 0, (size_t)(padded - n) * size);
  return buffer;
}

static void span_piece(
    const program_span* s,
    const span_place* at,
    int64_t n,
    char* to,
    char* scratch,
    size_t slot,
    size_t size) {
  const lz_program* p = s->program;
  int out = p->output_registers[0];
  char* r[p->n_registers];
  for (int i = 0; i < p->n_registers; i++) r[i] = scratch + (size_t)i * slot;
  for (int i = 0; i < p->n_inputs; i++)
    r[i] = at->offsets
               ? span_bind(s, i, at->offsets[i], at->column, (int)n, r[i])
               : span_gather(s, i, at->first, (int)n, r[i]);
  bool direct = n % EW_PAD == 0 && out >= p->n_inputs;
  if (direct) r[out] = to;
  program_job_instrs(
      p, s->fn, r, (int)n, (int)n, at->first, 0, true, NULL, NULL);
  if (!direct) memcpy(to, r[out], (size_t)n * size);
}

/* Shorter rows are not looked at one by one. */
enum { SPAN_ROW_MIN = 64 };

void program_span_run(
    const program_span* s, int64_t begin, int64_t n, void* tile) {
  const lz_program* p = s->program;
  int64_t most = PROGRAM_SPAN_MAX;
  while (most > 4 * EW_PAD &&
         most * p->max_size * p->n_registers > SPAN_SCRATCH)
    most /= 2;
  size_t slot = (size_t)(most + EW_PAD) * (size_t)p->max_size;
  char scratch[slot * (size_t)p->n_registers] __attribute__((aligned(64)));
  size_t size = span_size(s);
  int64_t columns = s->shape[s->ndim - 1];
  bool rows = columns >= SPAN_ROW_MIN;
  int64_t offsets[p->n_inputs + 1];
  char* to = tile;
  for (int64_t done = 0; done < n;) {
    span_place at = {begin + done, 0, NULL};
    int64_t part = n - done < most ? n - done : most;
    if (rows) {
      at.column = at.first % columns;
      at.offsets = offsets;
      if (part > columns - at.column) part = columns - at.column;
      memset(offsets, 0, sizeof offsets);
      int64_t rest = at.first / columns;
      for (int d = s->ndim - 1; d-- > 0; rest /= s->shape[d])
        for (int i = 0; i < p->n_inputs; i++)
          offsets[i] += rest % s->shape[d] * s->strides[i][d];
    }
    span_piece(s, &at, part, to + (size_t)done * size, scratch, slot, size);
    done += part;
  }
}
