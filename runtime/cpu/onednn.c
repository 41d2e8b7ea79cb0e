#include "cpu/onednn.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/gemm.h"
#include "cpu/isa.h"
#include "cpu/onednn_entry.h"
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
  /* The cache below is enough; theirs keys by the thread count, too. */
  if (dnnl_engine_create(&onednn_engine, dnnl_cpu, 0) != dnnl_success) {
    onednn_engine = NULL;
    return;
  }
  if (dnnl_stream_create(
          &onednn_stream, onednn_engine, dnnl_stream_default_flags) !=
      dnnl_success)
    onednn_engine = NULL;
}

/* OpenMP's thread count belongs to the calling thread, which may be the
 * program's own: it is put back. */
int onednn_enter(void) {
  pthread_once(&onednn_once, onednn_init);
  int threads = omp_get_max_threads();
  if (threads != 1) omp_set_num_threads(1);
  return threads;
}

void onednn_leave(int threads) {
  if (threads != 1) omp_set_num_threads(threads);
}

dnnl_engine_t onednn_engine_get(void) {
  return onednn_engine;
}

int onednn_sgemm(
    int64_t m,
    int64_t n,
    int64_t k,
    float alpha,
    const onednn_matrix* a,
    const onednn_matrix* b,
    float beta,
    const onednn_matrix* out,
    bool runs) {
  const int64_t a_step = a->transposed ? a->ld : 1;
  const int64_t b_step = b->transposed ? 1 : b->ld;
  int threads = onednn_enter();
  dnnl_status_t status = dnnl_success;
  /* Two runs it makes by itself; of more it sometimes makes others. */
  for (int64_t at = 0; at < k && status == dnnl_success;) {
    const int64_t run =
        runs && k > 2 * GEMM_KC ? gemm_next(k - at, GEMM_KC) : k;
    status = dnnl_sgemm(
        a->transposed ? 'T' : 'N',
        b->transposed ? 'T' : 'N',
        m,
        n,
        run,
        alpha,
        (const float*)a->data + at * a_step,
        a->ld,
        (const float*)b->data + at * b_step,
        b->ld,
        at ? 1 : beta,
        out->data,
        out->ld);
    at += run;
  }
  onednn_leave(threads);
  return status != dnnl_success;
}

bool onednn_sgemm_worth(double products) {
  static _Atomic uint64_t asked;
  const uint64_t enough = 4000000000;
  uint64_t before = atomic_load_explicit(&asked, memory_order_relaxed);
  if (before < enough)
    before = atomic_fetch_add_explicit(
        &asked, (uint64_t)products, memory_order_relaxed);
  return before >= enough || products >= (double)(enough - before);
}

bool onednn_has_bf16(void) {
#if defined(__x86_64__)
  return isa_get() == ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

#define CACHE_SETS 64
#define CACHE_WAYS 4

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static onednn_entry* cache[CACHE_SETS][CACHE_WAYS];
static uint64_t cache_clock;

static void entry_free(onednn_entry* e) {
  if (!e) return;
  if (e->primitive) dnnl_primitive_destroy(e->primitive);
  if (e->reorder) dnnl_primitive_destroy(e->reorder);
  free(e);
}

static uint64_t key_hash(const onednn_key* key) {
  uint64_t h = 0;
  for (int i = 0; i < ONEDNN_KEY; i++)
    h = (h ^ (uint64_t)key->v[i]) * 0x9e3779b97f4a7c15u;
  return h >> 40;
}

void onednn_entry_release(onednn_entry* e) {
  if (!e) return;
  pthread_mutex_lock(&cache_lock);
  bool last = --e->refs == 0;
  pthread_mutex_unlock(&cache_lock);
  if (last) entry_free(e);
}

onednn_entry* onednn_entry_get(
    const onednn_key* key, onednn_make make, const void* ctx) {
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
  onednn_entry* e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->key = *key;
  e->refs = 1;
  if (!onednn_engine || make(e, ctx)) {
    entry_free(e);
    return NULL;
  }
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
  onednn_entry_release(gone);
  return e;
}

int onednn_entry_build(
    onednn_entry* e, const_dnnl_op_desc_t op, dnnl_memory_desc_t* chosen) {
  dnnl_primitive_attr_t attr = NULL;
  dnnl_primitive_desc_t desc = NULL;
  const bool ok = dnnl_primitive_attr_create(&attr) == dnnl_success &&
                  dnnl_primitive_attr_set_scratchpad_mode(
                      attr, dnnl_scratchpad_mode_user) == dnnl_success &&
                  dnnl_primitive_desc_create(
                      &desc, op, attr, onednn_engine, NULL) == dnnl_success &&
                  dnnl_primitive_create(&e->primitive, desc) == dnnl_success;
  if (ok) {
    e->pad = *dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    if (chosen)
      *chosen = *dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
  }
  if (desc) dnnl_primitive_desc_destroy(desc);
  if (attr) dnnl_primitive_attr_destroy(attr);
  return !ok;
}

typedef struct entry_use {
  int arg;
  const dnnl_memory_desc_t* desc;
  void* data;
} entry_use;

static int primitive_run(
    dnnl_primitive_t primitive, const entry_use* use, int count) {
  dnnl_exec_arg_t args[4];
  int made = 0, status = 0;
  for (; made < count; made++) {
    args[made].arg = use[made].arg;
    status = dnnl_memory_create(
                 &args[made].memory,
                 use[made].desc,
                 onednn_engine,
                 use[made].data) != dnnl_success;
    if (status) break;
  }
  if (!status)
    status = dnnl_primitive_execute(primitive, onednn_stream, count, args) !=
             dnnl_success;
  while (made-- > 0) dnnl_memory_destroy(args[made].memory);
  return status;
}

int onednn_entry_run(onednn_entry* e, void* src, void* weights, void* dst) {
  void* pad =
      scratch_get(SCRATCH_DNNL, dnnl_memory_desc_get_size(&e->pad) + 64);
  if (!pad) return 1;
  const entry_use use[4] = {
      {DNNL_ARG_SRC, &e->src, src},
      {DNNL_ARG_WEIGHTS, &e->weights, weights},
      {DNNL_ARG_DST, &e->dst, dst},
      {DNNL_ARG_SCRATCHPAD, &e->pad, pad}};
  return primitive_run(e->primitive, use, 4);
}

int onednn_entry_reorder(onednn_entry* e, void* from, void* to) {
  const entry_use use[2] = {
      {DNNL_ARG_FROM, &e->given, from}, {DNNL_ARG_TO, &e->weights, to}};
  return primitive_run(e->reorder, use, 2);
}
