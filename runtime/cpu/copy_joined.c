#include "cpu/copy.h"
#include "cpu/copy_units.h"
#include "stream/pool.h"

/* JOINED  inputs of one pass
 * BLOCK_BYTES  of rows of the output, before the next ones
 * BOX_BYTES, _SIDE  of boxes of such rows, and places along an axis
 * BOX_ROW  bytes of rows that are joined in boxes
 * PART  bytes that are worth a thread */
#if defined(LAZULI_HOSTILE)
enum {
  JOINED = 64,
  BLOCK_BYTES = 16 << 10,
  BOX_BYTES = 256,
  BOX_SIDE = 4,
  BOX_ROW = 256,
  PART = 64
};
#else
enum {
  JOINED = 64,
  BLOCK_BYTES = 16 << 10,
  BOX_BYTES = 32 << 10,
  BOX_SIDE = 32,
  BOX_ROW = 512,
  PART = 256 << 10
};
#endif

typedef struct join_job {
  int n;
  char* to[JOINED];
  const char* from[JOINED];
  int64_t row[JOINED];
  size_t bytes[JOINED];
  int64_t to_row;
} join_job;

/* A few rows of all inputs before the next ones: the lines of a row belong to
 * several. */
static void join_rows(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const join_job* j = ctx;
  int64_t block = BLOCK_BYTES / j->to_row + 1;
  for (; begin < end; begin += block) {
    int64_t rows = end - begin < block ? end - begin : block;
    for (int i = 0; i < j->n; i++)
      copy_units(
          j->to[i] + begin * j->to_row,
          j->to_row,
          j->from[i] + begin * j->row[i],
          j->row[i],
          rows,
          j->bytes[i]);
  }
}

/* Bytes that lie together in each of the rows of the axes before `axis`, and
 * how far rows are apart; 0 if there are no such rows. */
static size_t join_shape(const lz_view* v, int axis, int64_t* row) {
  int64_t size = (int64_t)dtype_size(v->dtype), apart = 0, expected = 1;
  for (int d = v->ndim; d-- > axis;) {
    if (v->shape[d] != 1 && v->strides[d] != expected) return 0;
    expected *= v->shape[d];
  }
  int64_t rows = 1;
  for (int d = axis; d-- > 0;) {
    if (v->shape[d] == 1) continue;
    if (rows == 1)
      apart = v->strides[d];
    else if (v->strides[d] != rows * apart)
      return 0;
    rows *= v->shape[d];
  }
  *row = apart * size;
  return (size_t)(expected * size);
}

/* ---- rows so short that their lines are those of all inputs ---- */

/* Boxes of the axes before `axis`: of the last of them `inner` places, of the
 * one before `outer`. */
typedef struct box_job {
  const lz_view *to, *from;
  int n, axis;
  int64_t extent[2], block[2], blocks[2]; /* outer, inner */
} box_job;

/* The part of a view in the box that `place` begins. */
static lz_view box_view(
    const lz_view* v,
    int axis,
    const int64_t* place,
    const int32_t* box,
    int32_t* shape) {
  lz_view part = *v;
  int64_t offset = 0;
  for (int d = 0; d < v->ndim; d++) {
    shape[d] = d < axis ? box[d] : v->shape[d];
    if (d < axis) offset += place[d] * v->strides[d];
  }
  part.data = (char*)v->data + offset * (int64_t)dtype_size(v->dtype);
  part.shape = shape;
  return part;
}

static void join_boxes(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const box_job* j = ctx;
  for (; begin < end; begin++) {
    int64_t place[LZ_MAX_DIMS], at = begin;
    int32_t box[LZ_MAX_DIMS], shape[LZ_MAX_DIMS];
    for (int d = j->axis; d-- > 0;) {
      const int k = d - (j->axis - 2);
      const int64_t step = k >= 0 ? j->block[k] : 1;
      const int64_t steps = k >= 0 ? j->blocks[k] : j->to->shape[d];
      place[d] = at % steps * step;
      at /= steps;
      const int64_t left = j->to->shape[d] - place[d];
      box[d] = (int32_t)(left < step ? left : step);
    }
    lz_view to = box_view(j->to, j->axis, place, box, shape);
    for (int i = 0; i < j->n; i++) {
      lz_view from = box_view(&j->from[i], j->axis, place, box, shape);
      copy_run(
          &(lz_view){to.data, to.dtype, to.ndim, shape, to.strides}, &from);
      to.data = (char*)to.data + from.shape[j->axis] * to.strides[j->axis] *
                                     (int64_t)dtype_size(to.dtype);
    }
  }
}

static void join_in_boxes(
    const lz_view* to, int axis, int n, const lz_view* from, int64_t row) {
  box_job j = {.to = to, .from = from, .n = n, .axis = axis, .extent = {1, 1}};
  int64_t boxes = 1;
  for (int d = 0; d < axis; d++) {
    if (d >= axis - 2)
      j.extent[d - (axis - 2)] = to->shape[d];
    else
      boxes *= to->shape[d];
  }
  int64_t left = BOX_BYTES / row + 1;
  for (int k = 1; k >= 0; k--) {
    /* Long enough to be worth a call, and as many as lines are long. */
    int64_t most = !k ? left : left > BOX_SIDE * 16 ? left / BOX_SIDE : 16;
    j.block[k] = j.extent[k] < most ? j.extent[k] : most;
    j.blocks[k] = (j.extent[k] + j.block[k] - 1) / j.block[k];
    boxes *= j.blocks[k];
    left = left / j.block[k] + 1;
  }
  pool_for(boxes, PART / (j.block[0] * j.block[1] * row) + 1, join_boxes, &j);
}

void copy_joined(const lz_view* to, int axis, int n, const lz_view* from) {
  int64_t rows = 1;
  for (int d = 0; d < axis; d++) rows *= to->shape[d];
  size_t size = dtype_size(to->dtype);
  char* at = to->data;
  join_job j = {.n = 0, .to_row = 0};
  size_t total = join_shape(to, axis, &j.to_row);
  bool together = rows > 1 && total && total <= BLOCK_BYTES;
  bool plain = together;
  for (int i = 0; i < n && plain; i++)
    plain = join_shape(&from[i], axis, &j.row[0]) != 0;
  if (together && !plain && total <= BOX_ROW) {
    join_in_boxes(to, axis, n, from, (int64_t)total);
    return;
  }
  int64_t grain = total ? (int64_t)(PART / total) : 1;
  for (int i = 0; i < n; i++) {
    lz_view part = {at, to->dtype, to->ndim, from[i].shape, to->strides};
    at += (size_t)(from[i].shape[axis] * to->strides[axis]) * size;
    j.to[j.n] = part.data;
    j.from[j.n] = from[i].data;
    if (together && (j.bytes[j.n] = join_shape(&from[i], axis, &j.row[j.n])))
      j.n++;
    else
      copy_run(&part, &from[i]);
    if (j.n == JOINED || (j.n && i == n - 1)) {
      pool_for(rows, grain, join_rows, &j);
      j.n = 0;
    }
  }
}
