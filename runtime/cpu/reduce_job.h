/* A reduction under way: what reduce.c plans and reduce_fold.c reads. */
#ifndef CPU_REDUCE_JOB_H
#define CPU_REDUCE_JOB_H

#include "cpu/reduce.h"
#include "cpu/simd/reduce.h"
#include "cpu/walk.h"

/* Elements, or accumulators, on the stack. */
enum { REDUCE_BLOCK = REDUCE_SOURCE_MAX };

/* Places of elements are offsets from `in`, or what the source is asked for. */
typedef struct reduce_job {
  const uint8_t* in; /* NULL: elements come from the source */
  reduce_source source;
  void* source_ctx;
  uint8_t* out;
  lz_dtype in_type, acc_type, out_type;
  size_t in_size, acc_size;
  reduce_fold by_row, by_col;
  reduce_fold merge; /* by_col for accumulators */
  uint64_t neutral;  /* bits of one accumulator */
  int64_t times;     /* that all elements stand there: sums and products */
  walk kept;         /* all kept axes but the innermost; views in, out */
  walk reduced;      /* all reduced axes but the innermost */
  /* the innermost axis of either group; extent 1 where there is none */
  int64_t kept_n, kept_in, kept_out;
  int64_t reduced_n, reduced_in;
  /* how the reduction of one place, or one block, is cut */
  int64_t part, n_parts;
  int64_t turned; /* bytes of runs that are folded across; at most 256 */
  int64_t block;  /* kept innermost elements handled at once */
  uint8_t* partials;
} reduce_job;

/* Folds elements [begin, begin+n) of the reduction's index space, at the kept
 * place that starts at `from`, into one accumulator. */
void reduce_fold_run(
    const reduce_job* job,
    int64_t from,
    int64_t begin,
    int64_t n,
    void* acc,
    int worker);

/* Folds `rows` whole reductions, at places kept_in apart, into as many
 * accumulators. */
void reduce_fold_places(
    const reduce_job* job, int64_t from, int64_t rows, void* acc, int worker);

/* Folds rows [begin, begin+rows) of the reduction's index space into `cols`
 * accumulators that lie along the innermost kept axis. */
void reduce_fold_block(
    const reduce_job* job,
    int64_t from,
    int64_t begin,
    int64_t rows,
    int64_t cols,
    void* acc,
    int worker);

#endif
