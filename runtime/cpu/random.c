#include "cpu/random.h"

#include "cpu/simd/random.h"
#include "cpu/walk.h"
#include "stream/pool.h"

enum { GRAIN = 8192 /* pairs of words worth a thread's while */ };

/* The words of one key are two halves that grow side by side: the i-th pair
 * of hashed counters (i, pairs + i) gives word i of either half. An odd count
 * has one word more in the first half, whose partner is counter 0 and is
 * thrown away; the last word may be cut short. */
typedef struct random_job {
  random_pairs pairs_fn;
  const uint32_t* keys;
  uint8_t* out;
  walk key_walk; /* all axes of keys but the last */
  int64_t key_stride;
  int64_t bytes; /* of one key's output */
  int64_t words; /* bytes, rounded up */
  int64_t low;   /* words in the first half: words/2, rounded up */
} random_job;

static void put(const random_job* job, uint8_t* out, int64_t word, uint32_t v) {
  int64_t n = job->bytes - 4 * word < 4 ? job->bytes - 4 * word : 4;
  memcpy(out + 4 * word, &v, (size_t)n);
}

/* Counters [begin, end) of the first half of one key. */
static void draw(
    const random_job* job, int64_t key, int64_t begin, int64_t end) {
  walk_at at;
  walk_seek(&job->key_walk, &at, key);
  uint32_t k0 = job->keys[at.offset[0]];
  uint32_t k1 = job->keys[at.offset[0] + job->key_stride];
  uint8_t* out = job->out + key * job->bytes;
  uint32_t first[RANDOM_TILE], second[RANDOM_TILE];
  /* The last two pairs by themselves: they may lack bytes, or a partner. */
  int64_t whole = job->low - 2 < end ? job->low - 2 : end, i = begin;
  while (i < whole) {
    int64_t n = whole - i < RANDOM_TILE ? whole - i : RANDOM_TILE;
    job->pairs_fn(
        k0, k1, (uint32_t)i, (uint32_t)(job->low + i), n, first, second);
    memcpy(out + 4 * i, first, 4 * (size_t)n);
    memcpy(out + 4 * (job->low + i), second, 4 * (size_t)n);
    i += n;
  }
  for (; i < end; i++) {
    bool alone = job->low + i >= job->words;
    uint32_t partner = alone ? 0 : (uint32_t)(job->low + i);
    job->pairs_fn(k0, k1, (uint32_t)i, partner, 1, first, second);
    put(job, out, i, first[0]);
    if (!alone) put(job, out, job->low + i, second[0]);
  }
}

static void random_units(void* ctx, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const random_job* job = ctx;
  while (begin < end) {
    int64_t key = begin / job->low, i = begin % job->low;
    int64_t n = job->low - i < end - begin ? job->low - i : end - begin;
    draw(job, key, i, i + n);
    begin += n;
  }
}

void random_bits(const lz_view* keys, const lz_view* out) {
  assert(keys->dtype == DTYPE_UINT32 && view_is_contiguous(out));
  const lz_view* views[] = {keys};
  random_job job = {
      .pairs_fn = *ISA_PICK(random_pairs_fn),
      .keys = keys->data,
      .out = out->data,
      .key_stride = keys->strides[keys->ndim - 1],
  };
  walk_make(&job.key_walk, 1, views, keys->ndim - 1);
  int64_t elements = view_size(out);
  if (elements == 0) return;
  job.bytes = elements / job.key_walk.size * (int64_t)dtype_size(out->dtype);
  job.words = (job.bytes + 3) / 4;
  job.low = (job.words + 1) / 2;
  pool_for(job.key_walk.size * job.low, GRAIN, random_units, &job);
}
