#include "cpu/sort_radix.h"

#include <stdbool.h>
#include <string.h>

#include "stream/pool.h"

enum {
  BUCKETS = 256,
  MAX_PARTS = 32,
  GRAIN = 32768 /* items worth a thread's while */
};

typedef struct radix_job {
  const void* from;
  void* to;
  int64_t n, part;
  int shift;
  int64_t (*counts)[BUCKETS]; /* of each part, then where its items go */
  uint8_t class[BUCKETS];     /* of a split: below 0, same 1, above 2 */
} radix_job;

static int64_t part_end(const radix_job* job, int64_t p) {
  int64_t end = (p + 1) * job->part;
  return end < job->n ? end : job->n;
}

/* As many parts as threads: the order of a stable sort does not depend on
 * them. */
static int64_t cut(radix_job* job) {
  int64_t parts = job->n / GRAIN;
  if (parts > pool_threads()) parts = pool_threads();
  if (parts > MAX_PARTS) parts = MAX_PARTS;
  if (parts < 1) parts = 1;
  job->part = (job->n + parts - 1) / parts;
  return (job->n + job->part - 1) / job->part;
}

#define RADIX(name, T, KEY)                                                \
  static void radix_##name##_count(                                        \
      void* ctx, int64_t begin, int64_t end, int w) {                      \
    (void)w;                                                               \
    const radix_job* job = ctx;                                            \
    const T* x = job->from;                                                \
    for (; begin < end; begin++) {                                         \
      int64_t* counts = job->counts[begin];                                \
      uint32_t a[BUCKETS] = {0}, b[BUCKETS] = {0};                         \
      int64_t i = begin * job->part, last = part_end(job, begin);          \
      for (; i + 2 <= last; i += 2) { /* two tables: no wait on a store */ \
        a[(KEY(x[i]) >> job->shift) & 255]++;                              \
        b[(KEY(x[i + 1]) >> job->shift) & 255]++;                          \
      }                                                                    \
      if (i < last) a[(KEY(x[i]) >> job->shift) & 255]++;                  \
      for (int d = 0; d < BUCKETS; d++) counts[d] = (int64_t)a[d] + b[d];  \
    }                                                                      \
  }                                                                        \
  static void radix_##name##_move(                                         \
      void* ctx, int64_t begin, int64_t end, int w) {                      \
    (void)w;                                                               \
    const radix_job* job = ctx;                                            \
    const T* x = job->from;                                                \
    T* to = job->to;                                                       \
    for (; begin < end; begin++) {                                         \
      int64_t* at = job->counts[begin];                                    \
      int64_t last = part_end(job, begin);                                 \
      for (int64_t i = begin * job->part; i < last; i++)                   \
        to[at[(KEY(x[i]) >> job->shift) & 255]++] = x[i];                  \
    }                                                                      \
  }                                                                        \
  T* sort_radix_##name(T* keys, T* spare, int64_t n, int low, int high) {  \
    int64_t counts[MAX_PARTS][BUCKETS];                                    \
    radix_job job = {.n = n, .counts = counts};                            \
    if (n < 2) return keys;                                                \
    int64_t parts = cut(&job);                                             \
    for (job.shift = low; job.shift < high; job.shift += 8) {              \
      job.from = keys;                                                     \
      job.to = spare;                                                      \
      pool_for(parts, 1, radix_##name##_count, &job);                      \
      if (!place(counts, parts, n)) continue;                              \
      pool_for(parts, 1, radix_##name##_move, &job);                       \
      spare = keys;                                                        \
      keys = job.to;                                                       \
    }                                                                      \
    return keys;                                                           \
  }                                                                        \
  static void radix_##name##_deal(                                         \
      void* ctx, int64_t begin, int64_t end, int w) {                      \
    (void)w;                                                               \
    const radix_job* job = ctx;                                            \
    const T* x = job->from;                                                \
    T* to = job->to;                                                       \
    for (; begin < end; begin++) {                                         \
      int64_t* at = job->counts[begin];                                    \
      int64_t last = part_end(job, begin);                                 \
      for (int64_t i = begin * job->part; i < last; i++)                   \
        to[at[job->class[(KEY(x[i]) >> job->shift) & 255]]++] = x[i];      \
    }                                                                      \
  }                                                                        \
  void sort_split_##name(                                                  \
      const T* keys,                                                       \
      T* to,                                                               \
      int64_t n,                                                           \
      int shift,                                                           \
      int64_t kth,                                                         \
      int64_t* first,                                                      \
      int64_t* last) {                                                     \
    int64_t counts[MAX_PARTS][BUCKETS];                                    \
    radix_job job = {                                                      \
        .from = keys, .to = to, .n = n, .shift = shift, .counts = counts}; \
    int64_t parts = cut(&job);                                             \
    pool_for(parts, 1, radix_##name##_count, &job);                        \
    place_split(&job, parts, kth, first, last);                            \
    pool_for(parts, 1, radix_##name##_deal, &job);                         \
  }

/* Counts become the places where each part's items of each digit go; false:
 * all items have one digit. */
static bool place(int64_t (*counts)[BUCKETS], int64_t parts, int64_t n) {
  int64_t sum = 0;
  for (int d = 0; d < BUCKETS; d++) {
    int64_t before = sum;
    for (int64_t p = 0; p < parts; p++) {
      int64_t count = counts[p][d];
      counts[p][d] = sum;
      sum += count;
    }
    if (sum - before == n) return false;
  }
  return true;
}

/* The same for the three classes of a split, in counts[p][0…2]. */
static void place_split(
    radix_job* job, int64_t parts, int64_t kth, int64_t* first, int64_t* last) {
  int64_t below = 0, same = 0;
  int digit = 0;
  for (; digit < BUCKETS; digit++) {
    same = 0;
    for (int64_t p = 0; p < parts; p++) same += job->counts[p][digit];
    if (kth < below + same) break;
    below += same;
  }
  for (int d = 0; d < BUCKETS; d++)
    job->class[d] = d < digit ? 0 : d == digit ? 1 : 2;
  int64_t at[3] = {0, below, below + same};
  for (int64_t p = 0; p < parts; p++) {
    int64_t sums[3] = {0, 0, 0};
    for (int d = 0; d < BUCKETS; d++) sums[job->class[d]] += job->counts[p][d];
    for (int c = 0; c < 3; c++) {
      job->counts[p][c] = at[c];
      at[c] += sums[c];
    }
  }
  *first = below;
  *last = below + same;
}

#define ITSELF(x) (x)
#define KEY_OF(x) ((x).key)
RADIX(32, uint32_t, ITSELF)
RADIX(64, uint64_t, ITSELF)
RADIX(pairs, sort_pair, KEY_OF)
