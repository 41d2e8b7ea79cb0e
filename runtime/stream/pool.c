#include "stream/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define POOL_MAX 256
/* How long a thread without work looks for more before it sleeps: kernels of
 * one eval follow each other within microseconds. */
#define POOL_SPINS 2000

typedef struct pool_job {
  pool_fn fn;
  void* ctx;
  int64_t n, part;
  _Atomic int64_t next;  /* first index not handed out */
  _Atomic int64_t left;  /* indices not finished */
  _Atomic int users;     /* threads inside; the caller waits for 0 */
  _Atomic int workers;   /* worker numbers given out */
  struct pool_job* link; /* list of open jobs, guarded by pool.lock */
} pool_job;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pool_job* jobs;
  _Atomic unsigned generation; /* grows with each job */
  int threads;                 /* callers counted */
  int sleeping;
  bool forked; /* the threads are the parent's; guarded by lock */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static pthread_once_t pool_once = PTHREAD_ONCE_INIT;
static _Thread_local int pool_depth;

static inline void pool_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void pool_work(pool_job* job) {
  int worker =
      atomic_fetch_add_explicit(&job->workers, 1, memory_order_relaxed);
  pool_depth++;
  for (;;) {
    int64_t begin =
        atomic_fetch_add_explicit(&job->next, job->part, memory_order_relaxed);
    if (begin >= job->n) break;
    int64_t end = begin + job->part < job->n ? begin + job->part : job->n;
    job->fn(job->ctx, begin, end, worker);
    atomic_fetch_sub_explicit(&job->left, end - begin, memory_order_release);
  }
  pool_depth--;
}

/* A job with parts to hand out and a place for another worker. */
static pool_job* pool_find(void) {
  for (pool_job* j = pool.jobs; j; j = j->link)
    if (atomic_load_explicit(&j->next, memory_order_relaxed) < j->n &&
        atomic_load_explicit(&j->workers, memory_order_relaxed) < pool.threads)
      return j;
  return NULL;
}

static void* pool_main(void* unused) {
  (void)unused;
  unsigned seen = 0;
  for (;;) {
    for (int i = 0; i < POOL_SPINS; i++) {
      if (atomic_load_explicit(&pool.generation, memory_order_acquire) != seen)
        break;
      pool_pause();
    }
    pthread_mutex_lock(&pool.lock);
    pool_job* job;
    while (!(job = pool_find())) {
      seen = atomic_load(&pool.generation);
      pool.sleeping++;
      pthread_cond_wait(&pool.wake, &pool.lock);
      pool.sleeping--;
    }
    seen = atomic_load(&pool.generation);
    atomic_fetch_add(&job->users, 1);
    pthread_mutex_unlock(&pool.lock);
    pool_work(job);
    atomic_fetch_sub_explicit(&job->users, 1, memory_order_release);
  }
  return NULL;
}

static void pool_count(void) {
  const char* set = getenv("LAZULI_THREADS");
  long n = set ? atol(set) : 0;
  if (n < 1) {
    cpu_set_t cpus;
    n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  }
  pool.threads = n < 1 ? 1 : n > POOL_MAX ? POOL_MAX : (int)n;
}

static void pool_start(void) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (int i = 1; i < pool.threads; i++) {
    pthread_t t;
    if (pthread_create(&t, &attr, pool_main, NULL) != 0) break;
    pthread_setname_np(t, "lazuli-pool");
  }
  pthread_attr_destroy(&attr);
}

static void pool_before_fork(void) {
  pthread_mutex_lock(&pool.lock);
}
static void pool_in_parent(void) {
  pthread_mutex_unlock(&pool.lock);
}
static void pool_in_child(void) {
  pthread_mutex_init(&pool.lock, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pool.jobs = NULL;
  pool.sleeping = 0;
  pool_depth = 0;
  pool.forked = true;
}

static void pool_init(void) {
  pool_count();
  pool_start();
  pthread_atfork(pool_before_fork, pool_in_parent, pool_in_child);
}

int pool_threads(void) {
  pthread_once(&pool_once, pool_init);
  return pool.threads;
}

void pool_for(int64_t n, int64_t grain, pool_fn fn, void* ctx) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (n <= grain || pool_depth > 0 || pool_threads() == 1) {
    fn(ctx, 0, n, 0);
    return;
  }
  /* Some four parts a thread even out differences in speed. */
  int64_t part = n / (4 * (int64_t)pool.threads);
  if (part < grain) part = grain;
  pool_job job = {.fn = fn, .ctx = ctx, .n = n, .part = part, .left = n};
  pthread_mutex_lock(&pool.lock);
  if (pool.forked) {
    pool.forked = false;
    pool_start();
  }
  job.link = pool.jobs;
  pool.jobs = &job;
  atomic_fetch_add_explicit(&pool.generation, 1, memory_order_release);
  if (pool.sleeping) pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);

  pool_work(&job);

  pthread_mutex_lock(&pool.lock);
  for (pool_job** p = &pool.jobs; *p; p = &(*p)->link)
    if (*p == &job) {
      *p = job.link;
      break;
    }
  pthread_mutex_unlock(&pool.lock);
  /* The job lives on this stack: nobody may be inside when it goes. */
  for (int spins = 0; atomic_load_explicit(&job.users, memory_order_acquire) ||
                      atomic_load_explicit(&job.left, memory_order_acquire);
       spins++) {
    if (spins < POOL_SPINS)
      pool_pause();
    else
      sched_yield();
  }
}
