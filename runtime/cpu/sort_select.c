#include "cpu/sort_select.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cpu/simd/sort.h"
#include "stream/pool.h"

/* Two keys of a sample that most likely have the rank between them tell most
 * items apart in one pass; what lies between is taken on alone. */
enum {
  SHORT = 2048, /* items that one thread selects among */
  FEW = 24,     /* items that are sorted instead */
  SAMPLE = 2048,
  SAMPLE_SHORT = 24,
  MAX_PARTS = 64,
  GRAIN = 32768 /* items worth a thread's while */
};

typedef struct select_job {
  const sort_table* kernels;
  int item;
  int64_t size; /* of an item */
  const uint8_t* from;
  uint8_t* to;
  int64_t n, part;
  uint64_t low, high; /* keys */
  int64_t below[MAX_PARTS], above[MAX_PARTS];
} select_job;

static int64_t part_size(const select_job* job, int64_t p) {
  int64_t left = job->n - p * job->part;
  return left < 0 ? 0 : left < job->part ? left : job->part;
}

static void count_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  select_job* job = ctx;
  for (; begin < end; begin++) {
    /* Counted apart: what threads count into lies side by side in the job. */
    int64_t below = 0, above = 0;
    job->kernels->count[job->item](
        job->from + begin * job->part * job->size,
        part_size(job, begin),
        job->low,
        job->high,
        &below,
        &above);
    job->below[begin] = below;
    job->above[begin] = above;
  }
}

/* below and above have become the places of each part's first such item. */
static void deal_parts(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const select_job* job = ctx;
  for (; begin < end; begin++) {
    int64_t first = begin * job->part;
    int64_t below_all = job->below[MAX_PARTS - 1];
    int64_t above_all = job->above[MAX_PARTS - 1];
    int64_t same = below_all + first - job->below[begin] -
                   (job->above[begin] - (job->n - above_all));
    void* to[3] = {
        job->to + job->below[begin] * job->size,
        job->to + same * job->size,
        job->to + job->above[begin] * job->size,
    };
    job->kernels->deal[job->item](
        job->from + first * job->size,
        part_size(job, begin),
        job->low,
        job->high,
        to);
  }
}

/* Counts, and if the rank lies in the middle, deals; else false, with the
 * side that it lies on. The middle is [*first, *last). */
static bool split(
    select_job* job, int64_t kth, int64_t* first, int64_t* last, int* side) {
  int64_t parts = job->n / GRAIN;
  if (parts > pool_threads()) parts = pool_threads();
  if (parts > MAX_PARTS - 1) parts = MAX_PARTS - 1;
  if (parts < 1) parts = 1;
  job->part = (job->n + parts - 1) / parts;
  pool_for(parts, 1, count_parts, job);
  int64_t below = 0, above = 0;
  for (int64_t p = 0; p < parts; p++) {
    int64_t b = job->below[p], a = job->above[p];
    job->below[p] = below;
    job->above[p] = above;
    below += b;
    above += a;
  }
  *side = kth < below ? -1 : kth >= job->n - above ? 1 : 0;
  if (*side) return false;
  for (int64_t p = 0; p < parts; p++) job->above[p] += job->n - above;
  job->below[MAX_PARTS - 1] = below;
  job->above[MAX_PARTS - 1] = above;
  pool_for(parts, 1, deal_parts, job);
  *first = below;
  *last = job->n - above;
  return true;
}

#define KEY_MOST(ITEM) (UINT64_MAX >> (8 * (ITEM == 0) * 4))

/* The same for what stays in the cache: within `from`, with `to` to deal to. */
#define SELECT_SHORT(name, T, KEY, ITEM)                                       \
  static void insert_##name(T* x, int64_t n) {                                 \
    for (int64_t i = 1; i < n; i++) {                                          \
      T item = x[i];                                                           \
      int64_t k = i;                                                           \
      for (; k > 0 && KEY(x[k - 1]) > KEY(item); k--) x[k] = x[k - 1];         \
      x[k] = item;                                                             \
    }                                                                          \
  }                                                                            \
  static void select_short_##name(                                             \
      const sort_table* kernels, T* from, T* to, int64_t n, int64_t rank) {    \
    while (n > FEW) {                                                          \
      T sample[SAMPLE_SHORT];                                                  \
      int64_t taken = 12 + n / 64 < SAMPLE_SHORT ? 12 + n / 64 : SAMPLE_SHORT; \
      for (int64_t i = 0; i < taken; i++) sample[i] = from[i * n / taken];     \
      insert_##name(sample, taken);                                            \
      double share = (double)rank / (double)n;                                 \
      double spread = sqrt((double)taken * share * (1 - share));               \
      int64_t margin = (int64_t)(1.5 * spread) + 1, at = rank * taken / n;     \
      uint64_t low = at < margin ? 0 : KEY(sample[at - margin]);               \
      uint64_t high =                                                          \
          at + margin >= taken ? KEY_MOST(ITEM) : KEY(sample[at + margin]);    \
      int64_t below, above;                                                    \
      for (;;) {                                                               \
        below = above = 0;                                                     \
        kernels->count[ITEM](from, n, low, high, &below, &above);              \
        if (rank < below)                                                      \
          high = low - 1, low = 0;                                             \
        else if (rank >= n - above)                                            \
          low = high + 1, high = KEY_MOST(ITEM);                               \
        else                                                                   \
          break;                                                               \
      }                                                                        \
      if (below + above < n / 8) break; /* a sample that tells nothing */      \
      void* out[3] = {to, to + below, to + (n - above)};                       \
      kernels->deal[ITEM](from, n, low, high, out);                            \
      memcpy(from, to, (size_t)n * sizeof(T));                                 \
      if (low == high) return;                                                 \
      from += below, to += below, rank -= below;                               \
      n -= below + above;                                                      \
    }                                                                          \
    if (n > 4 * FEW)                                                           \
      sort_radix_##name(from, to, n, 0);                                       \
    else                                                                       \
      insert_##name(from, n);                                                  \
  }

#define SELECT(name, T, KEY, ITEM)                                           \
  void* sort_select_##name(T* x, T* y, int64_t n, int64_t kth) {             \
    T *from = x, *to = y; /* all is in `from` */                             \
    int64_t begin = 0, end = n;                                              \
    while (end - begin > SHORT) {                                            \
      int64_t m = end - begin, rank = kth - begin;                           \
      int64_t taken = m / 16 < SAMPLE ? m / 16 : SAMPLE;                     \
      T* sample = to + begin;                                                \
      for (int64_t i = 0; i < taken; i++)                                    \
        sample[i] = from[begin + i * m / taken];                             \
      sort_radix_##name(sample, sample + taken, taken, 0);                   \
      double share = (double)rank / (double)m;                               \
      double spread = sqrt((double)taken * share * (1 - share));             \
      int64_t margin = (int64_t)(3 * spread) + 3;                            \
      int64_t at = rank * taken / m;                                         \
      select_job job = {                                                     \
          .kernels = ISA_PICK(sort_kernels),                                 \
          .item = ITEM,                                                      \
          .size = sizeof(T),                                                 \
          .from = (const uint8_t*)(from + begin),                            \
          .to = (uint8_t*)(to + begin),                                      \
          .n = m,                                                            \
          .low = at < margin ? 0 : KEY(sample[at - margin]),                 \
          .high = at + margin >= taken ? UINT64_MAX >> (8 * (ITEM == 0) * 4) \
                                       : KEY(sample[at + margin]),           \
      };                                                                     \
      int64_t first, last;                                                   \
      int side;                                                              \
      while (!split(&job, rank, &first, &last, &side)) {                     \
        if (side < 0) {                                                      \
          job.high = job.low - 1;                                            \
          job.low = 0;                                                       \
        } else {                                                             \
          job.low = job.high + 1;                                            \
          job.high = KEY_MOST(ITEM);                                         \
        }                                                                    \
      }                                                                      \
      if (m == n) {                                                          \
        T* swap = from; /* the first time all of it has moved */             \
        from = to;                                                           \
        to = swap;                                                           \
      } else {                                                               \
        memcpy(from + begin, to + begin, (size_t)m * sizeof(T));             \
      }                                                                      \
      end = begin + last;                                                    \
      begin += first;                                                        \
      if (job.low == job.high) return from;                                  \
      if (end - begin > m / 2) break; /* a sample that tells nothing */      \
    }                                                                        \
    if (end - begin > SHORT)                                                 \
      sort_radix_##name(from + begin, to + begin, end - begin, 0);           \
    else                                                                     \
      select_short_##name(                                                   \
          ISA_PICK(sort_kernels),                                            \
          from + begin,                                                      \
          to + begin,                                                        \
          end - begin,                                                       \
          kth - begin);                                                      \
    return from;                                                             \
  }

#define ITSELF(x) (x)
#define KEY_OF(x) ((x).key)
SELECT_SHORT(32, uint32_t, ITSELF, SORT_ITEM_32)
SELECT_SHORT(64, uint64_t, ITSELF, SORT_ITEM_64)
SELECT_SHORT(pairs, sort_pair, KEY_OF, SORT_ITEM_PAIR)
SELECT(32, uint32_t, ITSELF, SORT_ITEM_32)
SELECT(64, uint64_t, ITSELF, SORT_ITEM_64)
SELECT(pairs, sort_pair, KEY_OF, SORT_ITEM_PAIR)
