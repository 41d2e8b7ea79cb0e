#include "cpu/qmm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/lead.h"
#include "cpu/onednn.h"
#include "cpu/scratch.h"
#include "stream/pool.h"

ISA_DECLARE(qmm_table, qmm_table)
ISA_DECLARE(qmm_dots, qmm_int2)
ISA_DECLARE(qmm_dots, qmm_int3)

/* Integers serve where codes are whole numbers (e2m1 is, doubled) and the
 * machine multiplies bytes. */
static const qmm_dots* dots_for(const quantize_format* f, lz_dtype d) {
#if defined(__x86_64__)
  const qmm_dots* dots =
      d == DTYPE_BFLOAT16 ? ISA_PICK(qmm_int2) : ISA_PICK(qmm_int3);
  if (f->mode != QUANTIZE_MXFP8 && dots->dot &&
      __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512vbmi"))
    return dots;
#endif
  return &ISA_PICK(qmm_table)->dots;
}

/* Up to so many rows of x each row of codes is read and multiplied on the
 * fly; above, blocks of w are dequantised and multiplied as matrices. */
#define QMM_ROWS 8
/* Bytes of a dequantised block. */
#define QMM_BLOCK ((int64_t)1 << 20)

/* Where the matrices of one product start. */
typedef struct qmm_start {
  char *x, *out;
  qmm_matrix w;
} qmm_start;

typedef struct qmm_plan {
  const quantize_format* f;
  bool transpose;
  lz_dtype dtype;
  int64_t batch, m, n, k;
  int64_t x_row, x_col, out_row, out_col; /* elements */
  const qmm_start* starts;
  int64_t block, blocks; /* columns of out that a part makes */
  const qmm_dots* dots;
  float* arranged; /* x of few rows, x_floats a row */
  int64_t x_floats;
  _Atomic int failed;
} qmm_plan;

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Scales or biases [at, at + n) of a row as float. */
static void factors(
    const qmm_matrix* w,
    bool bias,
    int64_t row,
    int64_t at,
    int64_t n,
    float* to) {
  const lz_dtype d = bias ? w->bias_type : w->scale_type;
  const char* src =
      bias ? w->biases + row * w->bias_row : w->scales + row * w->scale_row;
  if (d == DTYPE_UINT8)
    quantize_kernels()->scales[w->format.mode](
        to, (const uint8_t*)src + at, 8, n);
  else
    gemm_kernels()->load[d](to, src + at * (int64_t)dtype_size(d), 1, n);
}

/* Scales and biases of `row` from group g on, into room for 2 * (groups + 16)
 * floats. */
static qmm_factors factors_of(
    const qmm_matrix* w, int64_t row, int64_t g, int64_t groups, float* room) {
  float* b = room + groups + 16;
  factors(w, false, row, g, groups, room);
  if (w->format.mode == QUANTIZE_AFFINE)
    factors(w, true, row, g, groups, b);
  else
    memset(b, 0, (size_t)groups * sizeof *b);
  memset(room + groups, 0, 16 * sizeof *room);
  memset(b + groups, 0, 16 * sizeof *b);
  return (qmm_factors){room, b, 0};
}

/* The same where they are, if they are floats. */
static qmm_factors factors_there(
    const qmm_matrix* w, int64_t row, int64_t g, int64_t groups, float* room) {
  if (w->format.mode != QUANTIZE_AFFINE || w->scale_type != DTYPE_FLOAT32 ||
      w->bias_type != DTYPE_FLOAT32)
    return factors_of(w, row, g, groups, room);
  return (qmm_factors){
      (const float*)(w->scales + row * w->scale_row) + g,
      (const float*)(w->biases + row * w->bias_row) + g,
      0};
}

/* Floats of room that factors_of wants for n elements. */
static int64_t factors_room(const qmm_plan* p, int64_t n) {
  return 2 * (n / p->f->group_size + 16);
}

static const uint8_t* codes_at(const qmm_matrix* w, int64_t row, int64_t at) {
  return w->codes + row * w->code_row + at / 8 * w->format.bits;
}

/* Elements [at, at + n) of a row: whole groups. */
static void dequantize_part(
    const qmm_plan* p,
    const qmm_matrix* w,
    int64_t row,
    int64_t at,
    int64_t n,
    float* room,
    float* to) {
  const int size = p->f->group_size;
  const qmm_factors by = factors_of(w, row, at / size, n / size, room);
  ISA_PICK(qmm_table)->row(p->f, to, codes_at(w, row, at), &by, n);
}

static void store_row(
    const qmm_plan* p,
    const qmm_start* s,
    int64_t i,
    const float* row,
    int64_t j0,
    int64_t cols) {
  gemm_kernels()->store[p->dtype](
      s->out +
          (i * p->out_row + j0 * p->out_col) * (int64_t)dtype_size(p->dtype),
      p->out_col,
      row,
      cols);
}

static void store_out(
    const qmm_plan* p,
    const qmm_start* s,
    const float* tile,
    int64_t ld,
    int64_t j0,
    int64_t cols) {
  for (int64_t i = 0; i < p->m; i++)
    store_row(p, s, i, tile + i * ld, j0, cols);
}

/* Rows of x, one after the other, as float. */
static void load_x(const qmm_plan* p, const qmm_start* s, float* to) {
  for (int64_t i = 0; i < p->m; i++)
    gemm_kernels()->load[p->dtype](
        to + i * p->k,
        s->x + i * p->x_row * (int64_t)dtype_size(p->dtype),
        p->x_col,
        p->k);
}

/* x of every product, arranged once for all parts. Nonzero: out of memory. */
static int arrange_all(qmm_plan* p) {
  const int64_t groups = p->k / p->f->group_size;
  const int64_t rows = p->batch * p->m;
  /* Floats, or less: what fits one fits the other. */
  p->x_floats =
      ISA_PICK(qmm_table)->dots.arranged(p->f, p->k) + 2 * groups + 32;
  p->arranged = malloc((size_t)(rows * p->x_floats + p->k) * sizeof(float));
  if (!p->arranged) return 1;
  float* line = p->arranged + rows * p->x_floats;
  for (int64_t i = 0; i < rows; i++) {
    gemm_kernels()->load[p->dtype](
        line,
        p->starts[i / p->m].x +
            i % p->m * p->x_row * (int64_t)dtype_size(p->dtype),
        p->x_col,
        p->k);
    float* to = p->arranged + i * p->x_floats;
    if (p->dots->arrange(
            p->f, to, to + p->dots->arranged(p->f, p->k), line, p->k)) {
      /* No integer stands for NaN or infinity: all rows once more. */
      p->dots = &ISA_PICK(qmm_table)->dots;
      i = -1;
    }
  }
  return 0;
}

/* Scales and biases of `count` rows: where they are if they are floats, a run
 * of floats in room where they are a run in memory. room: twice
 * count * (groups + 16) floats. */
static qmm_factors factors_of_rows(
    const qmm_plan* p,
    const qmm_matrix* w,
    int64_t row,
    int64_t count,
    float* room) {
  const int64_t groups = p->k / p->f->group_size;
  const bool affine = p->f->mode == QUANTIZE_AFFINE;
  if (affine && w->scale_type == DTYPE_FLOAT32 &&
      w->bias_type == DTYPE_FLOAT32 && w->scale_row == w->bias_row)
    return (qmm_factors){
        (const float*)(w->scales + row * w->scale_row),
        (const float*)(w->biases + row * w->bias_row),
        w->scale_row / (int64_t)sizeof(float)};
  float* b = room + count * (groups + 16);
  const bool run =
      w->scale_row == groups * (int64_t)dtype_size(w->scale_type) &&
      (!affine || w->bias_row == groups * (int64_t)dtype_size(w->bias_type));
  for (int64_t i = 0; i < (run ? 1 : count); i++) {
    const int64_t n = run ? count * groups : groups;
    factors(w, false, row + i, 0, n, room + i * groups);
    if (affine) factors(w, true, row + i, 0, n, b + i * groups);
  }
  if (!affine) memset(b, 0, (size_t)(count * groups) * sizeof *b);
  return (qmm_factors){room, b, groups};
}

/* Few rows, w transposed: each row of codes gives a column of out. */
static int few_dots(qmm_plan* p, int64_t product, int64_t j0, int64_t cols) {
  const qmm_matrix* w = &p->starts[product].w;
  const int64_t groups = p->k / p->f->group_size;
  float* tile = scratch_get(
      SCRATCH_KERNEL,
      (size_t)(cols * (p->m + 2 * (groups + 16))) * sizeof *tile);
  if (!tile) return 1;
  const qmm_factors all = factors_of_rows(p, w, j0, cols, tile + p->m * cols);
  const float* x = p->arranged + product * p->m * p->x_floats;
  /* Each stream is a run of rows; what is left over goes one by one. */
  const int64_t run = cols / QMM_STREAMS, last = run * QMM_STREAMS;
  for (int64_t step = 0; step < run + cols - last; step++) {
    const int64_t j = step < run ? step : last + step - run;
    const int64_t apart = step < run ? run : 0;
    const qmm_factors by = {
        all.s + j * all.step, all.b + j * all.step, apart * all.step};
    for (int64_t i = 0; i < p->m; i++) {
      const float* at = x + i * p->x_floats;
      const qmm_vector v = {at, at + p->dots->arranged(p->f, p->k)};
      float y[QMM_STREAMS];
      p->dots->dot(
          p->f, y, codes_at(w, j0 + j, 0), apart * w->code_row, &by, &v, p->k);
      for (int r = 0; r < QMM_STREAMS; r++)
        tile[i * cols + j + r * apart] = y[r];
    }
  }
  store_out(p, &p->starts[product], tile, cols, j0, cols);
  return 0;
}

/* Few rows, w as it is: each row of codes is added to out, x times. */
static int few_sums(qmm_plan* p, int64_t product, int64_t j0, int64_t cols) {
  const qmm_table* t = ISA_PICK(qmm_table);
  const qmm_start* s = &p->starts[product];
  const int64_t size = p->f->group_size, groups = cols / size;
  const int64_t wide = (cols + 127) & ~(int64_t)127;
  const int64_t floats = p->m * (wide + groups + p->k) + cols;
  float* y = scratch_get(
      SCRATCH_KERNEL, (size_t)(floats + factors_room(p, cols)) * sizeof *y);
  if (!y) return 1;
  float *sums = y + p->m * wide, *x = sums + p->m * groups;
  float *line = x + p->m * p->k, *room = y + floats;
  load_x(p, s, x);
  memset(y, 0, (size_t)(p->m * (wide + groups)) * sizeof *y);
  for (int64_t k = 0; k < p->k; k++) {
    const qmm_factors by = factors_there(&s->w, k, j0 / size, groups, room);
    for (int64_t i = 0; i < p->m; i++)
      t->axpy(
          p->f,
          y + i * wide,
          sums + i * groups,
          codes_at(&s->w, k, j0),
          &by,
          x[i * p->k + k],
          cols);
  }
  for (int64_t i = 0; i < p->m; i++) {
    t->settle(p->f, line, y + i * wide, sums + i * groups, cols);
    store_row(p, s, i, line, j0, cols);
  }
  return 0;
}

/* Many rows: the columns of w dequantised, then a product of matrices. In
 * bfloat16 where x is and the machine multiplies it. */
static int block_product(
    qmm_plan* p, int64_t product, int64_t j0, int64_t cols) {
  const qmm_start* s = &p->starts[product];
  const bool half = p->dtype == DTYPE_BFLOAT16 && onednn_has_bf16() &&
                    p->x_col == 1 && p->x_row >= p->k;
  const bool flat =
      !half && p->dtype == DTYPE_FLOAT32 && p->x_col == 1 && p->x_row >= p->k;
  const int64_t x_floats = half || flat ? 0 : p->m * p->k;
  const int64_t rows = p->transpose ? cols : p->k;
  const int64_t width = p->transpose ? p->k : cols;
  float* tile = scratch_get(
      SCRATCH_KERNEL,
      (size_t)(p->m * cols + x_floats + rows * width + width + factors_room(p, width)) *
          sizeof(float));
  if (!tile) return 1;
  float *x = tile + p->m * cols, *w = x + x_floats, *line = w + rows * width;
  float* room = line + width;
  uint16_t* narrow = (uint16_t*)w;
  for (int64_t i = 0; i < rows; i++) {
    float* to = half ? line : w + i * width;
    if (p->transpose)
      dequantize_part(p, &s->w, j0 + i, 0, width, room, to);
    else
      dequantize_part(p, &s->w, i, j0, width, room, to);
    if (half)
      gemm_kernels()->store[DTYPE_BFLOAT16](narrow + i * width, 1, line, width);
  }
  const onednn_matrix b = {w, width, p->transpose};
  const onednn_matrix out = {tile, cols, false};
  onednn_matrix a = {s->x, p->x_row, false};
  if (x_floats) {
    load_x(p, s, x);
    a = (onednn_matrix){x, p->k, false};
  }
  const int status =
      half ? onednn_bf16_matmul(p->m, cols, p->k, &a, &b, &out, DTYPE_FLOAT32)
           : onednn_sgemm(p->m, cols, p->k, 1, &a, &b, 0, &out, false);
  if (!status) store_out(p, s, tile, cols, j0, cols);
  return status;
}

static void qmm_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  qmm_plan* p = ctx;
  for (int64_t i = begin; i < end; i++) {
    const int64_t s = i / p->blocks;
    const int64_t j0 = i % p->blocks * p->block;
    const int64_t cols = min64(p->block, p->n - j0);
    const int status = p->m > QMM_ROWS ? block_product(p, s, j0, cols)
                       : p->transpose  ? few_dots(p, s, j0, cols)
                                       : few_sums(p, s, j0, cols);
    if (status) atomic_store(&p->failed, 1);
  }
}

static int qmm_execute(qmm_plan* p) {
  /* A part is some 512K codes when they are multiplied on the fly, a block
   * that fits a cache otherwise; and each thread gets some. */
  int64_t block = p->m > QMM_ROWS
                      ? QMM_BLOCK / (int64_t)dtype_size(p->dtype) / p->k
                      : 512 * 1024 / p->k;
  /* Long runs of each row where columns are what is shared out. */
  if (p->m <= QMM_ROWS && !p->transpose) block = 4096;
  const int64_t share = p->batch * p->n / (4 * pool_threads());
  if (block > share) block = share;
  /* Whole groups when columns are packed, else enough for the stores. */
  const int64_t unit = p->transpose ? 16 : QUANTIZE_GROUP_MAX;
  block = (block + unit - 1) / unit * unit;
  p->block = min64(block < unit ? unit : block, p->n);
  p->blocks = (p->n + p->block - 1) / p->block;
  if (p->m <= QMM_ROWS && p->transpose) {
    p->dots = dots_for(p->f, p->dtype);
    if (arrange_all(p)) return 1;
  }
  const int64_t parts = p->batch * p->blocks;
  const int64_t work = p->m * p->block * p->k;
  pool_for(parts, work < 32768 ? 32768 / (work + 1) : 1, qmm_parts, p);
  free(p->arranged);
  return atomic_load(&p->failed);
}

/* A view whose last axis is contiguous, in memory of its own when v's is not:
 * then *made is to be freed. Nonzero: out of memory. */
static int dense_last(
    const lz_view* v, lz_view* to, int64_t* strides, void** made) {
  *to = *v;
  *made = NULL;
  const int last = v->ndim - 1;
  if (v->shape[last] == 1 || v->strides[last] == 1) return 0;
  const int64_t n = view_size(v);
  const size_t size = dtype_size(v->dtype);
  char* copy = malloc((size_t)n * size);
  if (!copy) return 1;
  view_row_strides(v->ndim, v->shape, strides);
  for (int64_t i = 0; i < n; i++) {
    memcpy(copy + (size_t)i * size, lead_data(v, lead_nth(v, 0, i)), size);
  }
  to->data = *made = copy;
  to->strides = strides;
  return 0;
}

static int64_t row_bytes(const lz_view* v) {
  return v->strides[v->ndim - 2] * (int64_t)dtype_size(v->dtype);
}

/* (B, M, K) against one w is one tall matrix. */
static void qmm_merge(qmm_plan* p, qmm_start* s) {
  if (p->batch < 2) return;
  const int64_t size = (int64_t)dtype_size(p->dtype);
  if (p->m == 1) {
    p->x_row = (s[1].x - s[0].x) / size;
    p->out_row = (s[1].out - s[0].out) / size;
  }
  for (int64_t i = 0; i < p->batch; i++)
    if (s[i].w.codes != s[0].w.codes || s[i].w.scales != s[0].w.scales ||
        s[i].w.biases != s[0].w.biases ||
        s[i].x - s[0].x != i * p->m * p->x_row * size ||
        s[i].out - s[0].out != i * p->m * p->out_row * size)
      return;
  p->m *= p->batch;
  p->batch = 1;
}

int qmm_run(
    const quantize_format* f,
    bool transpose,
    const lz_view* x,
    const lz_view* w,
    const lz_view* scales,
    const lz_view* biases,
    const lz_view* out,
    const lz_view* lhs,
    const lz_view* rhs) {
  if (view_size(out) == 0) return 0;
  const bool affine = f->mode == QUANTIZE_AFFINE;
  const int inner = out->ndim > 1 ? 2 : 1, x_inner = x->ndim > 1 ? 2 : 1;
  qmm_plan p = {
      .f = f,
      .transpose = transpose,
      .dtype = out->dtype,
      .m = inner == 2 ? out->shape[out->ndim - 2] : 1,
      .n = out->shape[out->ndim - 1],
      .k = x->shape[x->ndim - 1],
      .x_row = x_inner == 2 ? x->strides[x->ndim - 2] : 0,
      .x_col = x->strides[x->ndim - 1],
      .out_row = inner == 2 ? out->strides[out->ndim - 2] : 0,
      .out_col = out->strides[out->ndim - 1]};
  p.batch = view_size(out) / (p.m * p.n);
  if (p.k == 0) {
    qmm_start s = {.out = NULL};
    float zero[256] = {0};
    for (int64_t i = 0; i < p.batch; i++) {
      s.out = lead_data(out, lead_offset(out, inner, out, inner, i));
      for (int64_t j = 0; j < p.n; j += 256)
        store_out(&p, &s, zero, 0, j, min64(256, p.n - j));
    }
    return 0;
  }
  lz_view dense[3];
  int64_t strides[3][LZ_MAX_DIMS];
  void* made[4] = {NULL, NULL, NULL, NULL};
  int status = dense_last(w, &dense[0], strides[0], &made[0]) ||
               dense_last(scales, &dense[1], strides[1], &made[1]) ||
               (affine && dense_last(biases, &dense[2], strides[2], &made[2]));
  qmm_start* starts = NULL;
  if (!status) starts = made[3] = malloc((size_t)p.batch * sizeof *starts);
  if (!starts) status = 1;
  w = &dense[0];
  scales = &dense[1];
  biases = affine ? &dense[2] : NULL;
  for (int64_t i = 0; i < p.batch && !status; i++) {
    qmm_start* s = &starts[i];
    const int64_t r = rhs ? lead_index(rhs, i) : 0;
#define START(v) \
  lead_data(v, rhs ? lead_nth(v, 2, r) : lead_offset(v, 2, out, inner, i))
    s->x = lead_data(
        x,
        lhs ? lead_nth(x, x_inner, lead_index(lhs, i))
            : lead_offset(x, x_inner, out, inner, i));
    s->out = lead_data(out, lead_offset(out, inner, out, inner, i));
    s->w = (qmm_matrix){
        .format = *f,
        .codes = (const uint8_t*)START(w),
        .scales = START(scales),
        .biases = affine ? START(biases) : NULL,
        .code_row = row_bytes(w),
        .scale_row = row_bytes(scales),
        .bias_row = affine ? row_bytes(biases) : 0,
        .scale_type = scales->dtype,
        .bias_type = affine ? biases->dtype : DTYPE_UINT8};
#undef START
  }
  if (!status) {
    qmm_merge(&p, starts);
    p.starts = starts;
    status = qmm_execute(&p);
  }
  for (int i = 0; i < 4; i++) free(made[i]);
  return status;
}
