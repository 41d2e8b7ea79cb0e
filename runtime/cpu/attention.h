/* softmax(scale * q kᵀ + mask) v without the matrix of scores: memory grows
 * with the sequence, not with its square. */
#ifndef CPU_ATTENTION_H
#define CPU_ATTENTION_H

#include <stdbool.h>

#include "cpu/view.h"

typedef struct attention_args {
  float scale;
  /* Query i sees keys up to i + (Lk - Lq). */
  bool causal;
  /* bool: false hides a key; else of q's type and added to the scores.
   * Broadcasts to (B, H, Lq, Lk). NULL: none. Not with causal. */
  const lz_view* mask;
  /* (H): a score that takes part in each sum, with no value. NULL: none. */
  const lz_view* sinks;
  /* (B, H, Lq) of float32, contiguous: log of each row's sum of exponentials.
   * NULL: not wanted. */
  float* logsumexp;
} attention_args;

/* q (B, H, Lq, D), k (B, G, Lk, D), v (B, G, Lk, E), out (B, H, Lq, E); H a
 * multiple of G. float16, bfloat16 or float32, all the same, any strides;
 * everything between is float. As in MLX a row whose keys are all hidden by a
 * bool mask or by `causal` becomes the mean of all values, one hidden by adding
 * -infinity NaN. Runs on the pool. Nonzero: out of memory. */
int attention_run(
    const lz_view* q,
    const lz_view* k,
    const lz_view* v,
    const lz_view* out,
    const attention_args* args);

/* Scores are kept transposed, `lanes` queries beside each other: then the
 * softmax needs no sums across a vector, and its result is a panel. */
typedef struct attention_table {
  int lanes;
  /* s[j][lane] = k[j] . q[.][lane]; j < n, k's rows ldk apart. */
  void (*scores)(
      float* s,
      const float* k,
      int64_t ldk,
      int64_t n,
      const float* q,
      int64_t d);
  /* Exponentials of s in place; largest, sums and factor are per lane: what
   * was summed before is to be multiplied by factor. */
  void (*softmax)(
      float* s, int64_t n, float* largest, float* sums, float* factor);
  /* o[e][lane] = factor[lane] * o[e][lane] + sum of v[j][e] * p[j][lane]. */
  void (*values)(
      float* o,
      const float* v,
      int64_t ldv,
      int64_t n,
      int64_t e,
      const float* p,
      const float* factor);
  /* Hides s[j][lane] where mask[j][lane] is 0, or where j > last[lane]. */
  void (*hide)(float* s, const float* mask, int64_t n);
  void (*hide_after)(float* s, int64_t j0, const float* last, int64_t n);
  /* Few queries: s[r * ld + j] = k[j] . q[r * d + .], and o[r * e + .] +=
   * sum of p[r * ld + j] * v[j]; by type, last axes contiguous. */
  void (*few_scores[DTYPE_COUNT])(
      float* s,
      int64_t ld,
      const void* k,
      int64_t ldk,
      int64_t n,
      const float* q,
      int rows,
      int64_t d);
  void (*few_values[DTYPE_COUNT])(
      float* o,
      const void* v,
      int64_t ldv,
      int64_t n,
      int64_t e,
      const float* p,
      int64_t ld,
      int rows);
  float (*max)(const float* s, int64_t n);
  /* s[j] = exp(s[j] - largest); returns their sum. */
  float (*exp)(float* s, int64_t n, float largest);
} attention_table;

#endif
