/* Products whose matrices are named by indices, and sums over parts of k. */
#include <stdlib.h>

#include "cpu/lead.h"
#include "cpu/matmul_plan.h"

int matmul_gather(
    const lz_view* a,
    const lz_view* b,
    const lz_view* lhs,
    const lz_view* rhs,
    const lz_view* out) {
  if (view_size(out) == 0) return 0;
  matmul_plan p = matmul_plan_of(a, b, out);
  matmul_start* starts = calloc((size_t)p.batch, sizeof *starts);
  if (!starts) return 1;
  for (int64_t i = 0; i < p.batch; i++) {
    starts[i].a = lead_nth(a, 2, lead_index(lhs, i));
    starts[i].b = lead_nth(b, 2, lead_index(rhs, i));
    starts[i].out = lead_nth(out, 2, i);
  }
  p.starts = starts;
  const int status = matmul_execute(&p);
  free(starts);
  return status;
}

int matmul_segments(
    const lz_view* a,
    const lz_view* b,
    const lz_view* segments,
    const lz_view* out) {
  if (view_size(out) == 0) return 0;
  const matmul_plan whole = matmul_plan_of(a, b, out);
  for (int64_t i = 0; i < whole.batch; i++) {
    int64_t begin = lead_index(segments, 2 * i);
    int64_t end = lead_index(segments, 2 * i + 1);
    if (end > whole.k) end = whole.k;
    if (begin > end) begin = end;
    const matmul_start start = {
        .a = begin * whole.a.col,
        .b = begin * whole.b.row,
        .out = lead_nth(out, 2, i)};
    matmul_plan p = whole;
    p.batch = 1;
    p.k = end - begin;
    p.starts = &start;
    if (matmul_execute(&p)) return 1;
  }
  return 0;
}
