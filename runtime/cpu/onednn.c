#include "cpu/onednn.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/isa.h"
#include "cpu/scratch.h"

static pthread_once_t onednn_once = PTHREAD_ONCE_INIT;
static dnnl_engine_t onednn_engine;
static dnnl_stream_t onednn_stream;

static void onednn_init(void) {
  /* LAZULI_ISA holds for oneDNN too. A program that used oneDNN before has
   * fixed its choice already; then it stays. */
  if (isa_get() == ISA_GENERIC)
    dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
  else if (isa_get() == ISA_AVX2)
    dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  if (dnnl_engine_create(&onednn_engine, dnnl_cpu, 0) != dnnl_success) {
    onednn_engine = NULL;
    return;
  }
  if (dnnl_stream_create(
          &onednn_stream, onednn_engine, dnnl_stream_default_flags) !=
      dnnl_success)
    onednn_stream = NULL;
}

/* OpenMP's thread count belongs to the calling thread, which may be the
 * program's own: it is put back. */
static int onednn_enter(void) {
  pthread_once(&onednn_once, onednn_init);
  int threads = omp_get_max_threads();
  if (threads != 1) omp_set_num_threads(1);
  return threads;
}

static void onednn_leave(int threads) {
  if (threads != 1) omp_set_num_threads(threads);
}

int onednn_sgemm(
    int64_t m,
    int64_t n,
    int64_t k,
    float alpha,
    const onednn_matrix* a,
    const onednn_matrix* b,
    float beta,
    const onednn_matrix* out) {
  int threads = onednn_enter();
  dnnl_status_t status = dnnl_sgemm(
      a->transposed ? 'T' : 'N',
      b->transposed ? 'T' : 'N',
      m,
      n,
      k,
      alpha,
      a->data,
      a->ld,
      b->data,
      b->ld,
      beta,
      out->data,
      out->ld);
  onednn_leave(threads);
  return status != dnnl_success;
}

bool onednn_has_bf16(void) {
#if defined(__x86_64__)
  return isa_get() == ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

/* Primitives by shape: making one takes up to a millisecond (code is
 * generated), running a small one a few microseconds. */
typedef struct onednn_key {
  int64_t m, n, k, lda, ldb, ldc;
  int32_t transposed, out;
} onednn_key;

typedef struct onednn_entry {
  onednn_key key;
  int refs; /* guarded by cache_lock; the cache's own counts */
  uint64_t used;
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t a, b, c, pad;
} onednn_entry;

#define CACHE_SETS 64
#define CACHE_WAYS 4

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static onednn_entry* cache[CACHE_SETS][CACHE_WAYS];
static uint64_t cache_clock;

static void entry_free(onednn_entry* e) {
  if (!e) return;
  if (e->primitive) dnnl_primitive_destroy(e->primitive);
  free(e);
}

static int matrix_desc(
    dnnl_memory_desc_t* desc,
    int64_t rows,
    int64_t cols,
    int64_t ld,
    bool transposed,
    dnnl_data_type_t type) {
  dnnl_dims_t dims = {rows, cols};
  dnnl_dims_t strides = {transposed ? 1 : ld, transposed ? ld : 1};
  return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides) !=
         dnnl_success;
}

static onednn_entry* entry_create(const onednn_key* key) {
  onednn_entry* e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->key = *key;
  e->refs = 1;
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_matmul_desc_t op;
  const dnnl_data_type_t out = key->out == DTYPE_FLOAT32 ? dnnl_f32 : dnnl_bf16;
  bool ok =
      !matrix_desc(
          &e->a, key->m, key->k, key->lda, key->transposed & 1, dnnl_bf16) &&
      !matrix_desc(
          &e->b, key->k, key->n, key->ldb, key->transposed & 2, dnnl_bf16) &&
      !matrix_desc(&e->c, key->m, key->n, key->ldc, false, out) &&
      dnnl_matmul_desc_init(&op, &e->a, &e->b, NULL, &e->c) == dnnl_success &&
      dnnl_primitive_attr_create(&attr) == dnnl_success &&
      dnnl_primitive_attr_set_scratchpad_mode(
          attr, dnnl_scratchpad_mode_user) == dnnl_success &&
      dnnl_primitive_desc_create(&desc, &op, attr, onednn_engine, NULL) ==
          dnnl_success &&
      dnnl_primitive_create(&e->primitive, desc) == dnnl_success;
  if (ok)
    e->pad = *dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
  if (desc) dnnl_primitive_desc_destroy(desc);
  if (attr) dnnl_primitive_attr_destroy(attr);
  if (ok) return e;
  entry_free(e);
  return NULL;
}

static uint64_t key_hash(const onednn_key* key) {
  uint64_t words[sizeof *key / 8], h = 0;
  memcpy(words, key, sizeof words);
  for (size_t i = 0; i < sizeof words / 8; i++)
    h = (h ^ words[i]) * 0x9e3779b97f4a7c15u;
  return h >> 40;
}

static void entry_release(onednn_entry* e) {
  pthread_mutex_lock(&cache_lock);
  bool last = --e->refs == 0;
  pthread_mutex_unlock(&cache_lock);
  if (last) entry_free(e);
}

/* Referenced for the caller; NULL when there is no such primitive. */
static onednn_entry* entry_get(const onednn_key* key) {
  onednn_entry** set = cache[key_hash(key) % CACHE_SETS];
  pthread_mutex_lock(&cache_lock);
  for (int i = 0; i < CACHE_WAYS; i++)
    if (set[i] && memcmp(&set[i]->key, key, sizeof *key) == 0) {
      onednn_entry* found = set[i];
      found->refs++;
      found->used = ++cache_clock;
      pthread_mutex_unlock(&cache_lock);
      return found;
    }
  pthread_mutex_unlock(&cache_lock);
  /* Two threads may make the same one; both serve, both are kept. */
  onednn_entry* e = entry_create(key);
  if (!e) return NULL;
  pthread_mutex_lock(&cache_lock);
  int oldest = 0;
  for (int i = 0; i < CACHE_WAYS; i++) {
    if (!set[i]) {
      oldest = i;
      break;
    }
    if (set[i]->used < set[oldest]->used) oldest = i;
  }
  onednn_entry* gone = set[oldest];
  set[oldest] = e;
  e->refs++;
  e->used = ++cache_clock;
  pthread_mutex_unlock(&cache_lock);
  if (gone) entry_release(gone);
  return e;
}

static int entry_run(onednn_entry* e, void* a, void* b, void* c) {
  const size_t pad_bytes = dnnl_memory_desc_get_size(&e->pad);
  void* pad = scratch_get(SCRATCH_DNNL, pad_bytes + 64);
  if (!pad) return 1;
  struct {
    int arg;
    const dnnl_memory_desc_t* desc;
    void* data;
  } use[4] = {
      {DNNL_ARG_SRC, &e->a, a},
      {DNNL_ARG_WEIGHTS, &e->b, b},
      {DNNL_ARG_DST, &e->c, c},
      {DNNL_ARG_SCRATCHPAD, &e->pad, pad}};
  dnnl_exec_arg_t args[4];
  int made = 0, status = 0;
  for (; made < 4 && !status; made++) {
    args[made].arg = use[made].arg;
    status = dnnl_memory_create(
                 &args[made].memory,
                 use[made].desc,
                 onednn_engine,
                 use[made].data) != dnnl_success;
    if (status) break;
  }
  if (!status)
    status = dnnl_primitive_execute(e->primitive, onednn_stream, 4, args) !=
             dnnl_success;
  while (made-- > 0) dnnl_memory_destroy(args[made].memory);
  return status;
}

int onednn_bf16_matmul(
    int64_t m,
    int64_t n,
    int64_t k,
    const onednn_matrix* a,
    const onednn_matrix* b,
    const onednn_matrix* out,
    lz_dtype out_dtype) {
  int threads = onednn_enter();
  int status = 1;
  onednn_key key = {
      m,
      n,
      k,
      a->ld,
      b->ld,
      out->ld,
      (a->transposed ? 1 : 0) | (b->transposed ? 2 : 0),
      (int32_t)out_dtype};
  onednn_entry* e = onednn_stream ? entry_get(&key) : NULL;
  if (e) {
    status = entry_run(e, a->data, b->data, out->data);
    entry_release(e);
  }
  onednn_leave(threads);
  return status;
}
