#include "cpu/sort_radix.h"

#include <stdbool.h>
#include <string.h>

#include "stream/pool.h"

/* From the highest digit down: the first pass leaves pieces that fit in the
 * caches, where the others are quick; bits that all items share cost nothing.
 * Each pass moves items between x and y; `to_y` says where they must end. */
enum {
  BUCKETS = 256,
  FEW = 32,      /* items that are sorted by insertion */
  CACHED = 8192, /* items that all passes find in the cache */
  MAX_PARTS = 32,
  GRAIN = 32768 /* items worth a thread's while */
};

typedef struct radix_job {
  void *x, *y;
  int64_t n, part;
  int low, shift;
  bool to_y;
  uint64_t first;              /* a key */
  uint64_t* varying;           /* of each part: bits that differ from it */
  int64_t (*counts)[BUCKETS];  /* of each part, then where its items go */
  int64_t starts[BUCKETS + 1]; /* of the buckets, when all have moved */
} radix_job;

static int64_t part_end(const radix_job* job, int64_t p) {
  int64_t end = (p + 1) * job->part;
  return end < job->n ? end : job->n;
}

/* Lowest bit of the digit to go by, or -1: all keys are equal. */
static int digit_of(uint64_t varying, int low) {
  varying >>= low;
  if (varying == 0) return -1;
  int top = 64 - __builtin_clzll(varying);
  return low + (top > 8 ? top - 8 : 0);
}

/* Counts become the places where each part's items of each digit go. */
static void place(radix_job* job, int64_t parts) {
  int64_t sum = 0;
  for (int d = 0; d < BUCKETS; d++) {
    job->starts[d] = sum;
    for (int64_t p = 0; p < parts; p++) {
      int64_t count = job->counts[p][d];
      job->counts[p][d] = sum;
      sum += count;
    }
  }
  job->starts[BUCKETS] = sum;
}

#define RADIX(name, T, KEY)                                                  \
  static void insert_##name(T* x, int64_t n, int low) {                      \
    for (int64_t i = 1; i < n; i++) {                                        \
      T item = x[i];                                                         \
      int64_t at = i;                                                        \
      for (; at > 0 && KEY(x[at - 1]) >> low > KEY(item) >> low; at--)       \
        x[at] = x[at - 1];                                                   \
      x[at] = item;                                                          \
    }                                                                        \
  }                                                                          \
                                                                             \
  /* In the cache, from the lowest digit up: one count serves all passes.    \
   * Keys differ in at most four digits from bit `low` on. */                \
  static void cached_##name(                                                 \
      T* x, T* y, int64_t n, int low, uint64_t varying, bool to_y) {         \
    uint32_t at[4][BUCKETS];                                                 \
    int digits = 0;                                                          \
    while (digits < 4 && varying >> (low + 8 * digits)) digits++;            \
    memset(at, 0, sizeof at[0] * (size_t)digits);                            \
    for (int64_t i = 0; i < n; i++)                                          \
      for (int k = 0; k < digits; k++)                                       \
        at[k][(KEY(x[i]) >> (low + 8 * k)) & 255]++;                         \
    bool in_y = false;                                                       \
    for (int k = 0; k < digits; k++, in_y = !in_y) {                         \
      T *from = in_y ? y : x, *to = in_y ? x : y;                            \
      int shift = low + 8 * k;                                               \
      uint32_t sum = 0;                                                      \
      for (int d = 0; d < BUCKETS; d++) {                                    \
        uint32_t count = at[k][d];                                           \
        at[k][d] = sum;                                                      \
        sum += count;                                                        \
      }                                                                      \
      for (int64_t i = 0; i < n; i++)                                        \
        to[at[k][(KEY(from[i]) >> shift) & 255]++] = from[i];                \
    }                                                                        \
    if (in_y != to_y)                                                        \
      memcpy(to_y ? y : x, to_y ? x : y, (size_t)n * sizeof(T));             \
  }                                                                          \
                                                                             \
  static void one_##name(T* x, T* y, int64_t n, int low, bool to_y) {        \
    if (n <= FEW) {                                                          \
      insert_##name(x, n, low);                                              \
      if (to_y) memcpy(y, x, (size_t)n * sizeof(T));                         \
      return;                                                                \
    }                                                                        \
    uint64_t varying = 0, first = KEY(x[0]);                                 \
    for (int64_t i = 1; i < n; i++) varying |= KEY(x[i]) ^ first;            \
    int shift = digit_of(varying, low);                                      \
    if (shift < 0) {                                                         \
      if (to_y) memcpy(y, x, (size_t)n * sizeof(T));                         \
      return;                                                                \
    }                                                                        \
    if (n <= CACHED && shift + 8 - low <= 32) {                              \
      cached_##name(x, y, n, low, varying, to_y);                            \
      return;                                                                \
    }                                                                        \
    uint32_t at[BUCKETS] = {0}, odd[BUCKETS] = {0}, starts[BUCKETS + 1];     \
    int64_t i = 0;                                                           \
    for (; i + 2 <= n; i += 2) { /* two tables: no wait on a store */        \
      at[(KEY(x[i]) >> shift) & 255]++;                                      \
      odd[(KEY(x[i + 1]) >> shift) & 255]++;                                 \
    }                                                                        \
    if (i < n) at[(KEY(x[i]) >> shift) & 255]++;                             \
    uint32_t sum = 0;                                                        \
    for (int d = 0; d < BUCKETS; d++) {                                      \
      uint32_t count = at[d] + odd[d];                                       \
      starts[d] = at[d] = sum;                                               \
      sum += count;                                                          \
    }                                                                        \
    starts[BUCKETS] = sum;                                                   \
    for (i = 0; i < n; i++) y[at[(KEY(x[i]) >> shift) & 255]++] = x[i];      \
    if (shift == low) {                                                      \
      if (!to_y) memcpy(x, y, (size_t)n * sizeof(T));                        \
      return;                                                                \
    }                                                                        \
    for (int d = 0; d < BUCKETS; d++) {                                      \
      int64_t s = starts[d], m = starts[d + 1] - s;                          \
      if (m > 1)                                                             \
        one_##name(y + s, x + s, m, low, !to_y);                             \
      else if (m == 1 && !to_y)                                              \
        x[s] = y[s];                                                         \
    }                                                                        \
  }                                                                          \
                                                                             \
  static void vary_##name(void* ctx, int64_t begin, int64_t end, int w) {    \
    (void)w;                                                                 \
    const radix_job* job = ctx;                                              \
    const T* x = job->x;                                                     \
    for (; begin < end; begin++) {                                           \
      uint64_t varying = 0;                                                  \
      int64_t last = part_end(job, begin);                                   \
      for (int64_t i = begin * job->part; i < last; i++)                     \
        varying |= KEY(x[i]) ^ job->first;                                   \
      job->varying[begin] = varying;                                         \
    }                                                                        \
  }                                                                          \
  static void count_##name(void* ctx, int64_t begin, int64_t end, int w) {   \
    (void)w;                                                                 \
    const radix_job* job = ctx;                                              \
    const T* x = job->x;                                                     \
    for (; begin < end; begin++) {                                           \
      int64_t* counts = job->counts[begin];                                  \
      uint32_t a[BUCKETS] = {0}, b[BUCKETS] = {0};                           \
      int64_t i = begin * job->part, last = part_end(job, begin);            \
      for (; i + 2 <= last; i += 2) {                                        \
        a[(KEY(x[i]) >> job->shift) & 255]++;                                \
        b[(KEY(x[i + 1]) >> job->shift) & 255]++;                            \
      }                                                                      \
      if (i < last) a[(KEY(x[i]) >> job->shift) & 255]++;                    \
      for (int d = 0; d < BUCKETS; d++) counts[d] = (int64_t)a[d] + b[d];    \
    }                                                                        \
  }                                                                          \
  static void move_##name(void* ctx, int64_t begin, int64_t end, int w) {    \
    (void)w;                                                                 \
    const radix_job* job = ctx;                                              \
    const T* x = job->x;                                                     \
    T* y = job->y;                                                           \
    for (; begin < end; begin++) {                                           \
      int64_t* at = job->counts[begin];                                      \
      int64_t last = part_end(job, begin);                                   \
      for (int64_t i = begin * job->part; i < last; i++)                     \
        y[at[(KEY(x[i]) >> job->shift) & 255]++] = x[i];                     \
    }                                                                        \
  }                                                                          \
  /* Buckets that are not too long for one thread. */                        \
  static void rest_##name(void* ctx, int64_t begin, int64_t end, int w) {    \
    (void)w;                                                                 \
    const radix_job* job = ctx;                                              \
    T *x = job->x, *y = job->y;                                              \
    for (; begin < end; begin++) {                                           \
      int64_t s = job->starts[begin], m = job->starts[begin + 1] - s;        \
      if (m <= job->part) one_##name(y + s, x + s, m, job->low, !job->to_y); \
    }                                                                        \
  }                                                                          \
                                                                             \
  static void many_##name(T* x, T* y, int64_t n, int low, bool to_y) {       \
    int64_t parts = n / GRAIN;                                               \
    if (parts > pool_threads()) parts = pool_threads();                      \
    if (parts > MAX_PARTS) parts = MAX_PARTS;                                \
    if (parts < 2) {                                                         \
      one_##name(x, y, n, low, to_y);                                        \
      return;                                                                \
    }                                                                        \
    uint64_t varying[MAX_PARTS];                                             \
    int64_t counts[MAX_PARTS][BUCKETS];                                      \
    radix_job job = {                                                        \
        .x = x,                                                              \
        .y = y,                                                              \
        .n = n,                                                              \
        .part = (n + parts - 1) / parts,                                     \
        .low = low,                                                          \
        .to_y = to_y,                                                        \
        .first = KEY(x[0]),                                                  \
        .varying = varying,                                                  \
        .counts = counts,                                                    \
    };                                                                       \
    pool_for(parts, 1, vary_##name, &job);                                   \
    for (int64_t p = 1; p < parts; p++) varying[0] |= varying[p];            \
    job.shift = digit_of(varying[0], low);                                   \
    if (job.shift < 0) {                                                     \
      if (to_y) memcpy(y, x, (size_t)n * sizeof(T));                         \
      return;                                                                \
    }                                                                        \
    pool_for(parts, 1, count_##name, &job);                                  \
    place(&job, parts);                                                      \
    pool_for(parts, 1, move_##name, &job);                                   \
    if (job.shift == low) {                                                  \
      if (!to_y) memcpy(x, y, (size_t)n * sizeof(T));                        \
      return;                                                                \
    }                                                                        \
    for (int d = 0; d < BUCKETS; d++) {                                      \
      int64_t s = job.starts[d], m = job.starts[d + 1] - s;                  \
      if (m > job.part) many_##name(y + s, x + s, m, low, !to_y);            \
    }                                                                        \
    pool_for(BUCKETS, 1, rest_##name, &job);                                 \
  }                                                                          \
                                                                             \
  void sort_radix_##name(T* x, T* y, int64_t n, int low) {                   \
    many_##name(x, y, n, low, false);                                        \
  }

#define ITSELF(x) ((uint64_t)(x))
#define KEY_OF(x) ((x).key)
RADIX(32, uint32_t, ITSELF)
RADIX(64, uint64_t, ITSELF)
RADIX(pairs, sort_pair, KEY_OF)
