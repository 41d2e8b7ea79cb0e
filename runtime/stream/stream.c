#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "probe/probe.h"
#include "vulkan/backend.h"

#define STREAM_MAX 4096
/* Work for a waiting thread usually ends within microseconds. */
#define STREAM_SPINS 2000

static struct {
  pthread_mutex_t lock;
  lz_stream* _Atomic all[STREAM_MAX];
  _Atomic int count;
  _Atomic int device;
} streams = {.lock = PTHREAD_MUTEX_INITIALIZER, .device = -1};

static _Thread_local lz_stream* defaults[2];

static void stream_in_child(void) {
  pthread_mutex_init(&streams.lock, NULL);
  for (int i = 0; i < streams.count; i++) {
    lz_stream* s = streams.all[i];
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work_came, NULL);
    pthread_cond_init(&s->work_done, NULL);
    s->threaded = false;
    s->busy = false;
    s->first = s->last = NULL;
    atomic_store(&s->awaited, STREAM_NOBODY);
    atomic_store(&s->done, s->issued);
  }
}

static pthread_once_t stream_once = PTHREAD_ONCE_INIT;
static void stream_init(void) {
  pthread_atfork(NULL, NULL, stream_in_child);
}

bool device_available(lz_device d, int index) {
  if (index < 0) return false;
  if (d == DEVICE_CPU) return index == 0;
  return index < vulkan_device_count();
}

int device_count(lz_device d) {
  return d == DEVICE_CPU ? 1 : vulkan_device_count();
}

static int device_require(lz_device d) {
  if (d == DEVICE_CPU || vulkan_device_count() > 0) return 0;
  return error_fail("the gpu is not available: %s", vulkan_why_not());
}

lz_device device_default(void) {
  int d = atomic_load(&streams.device);
  if (d < 0) {
    const char* set = getenv("LAZULI_DEVICE");
    d = set && strcmp(set, "gpu") == 0 && vulkan_device_count() > 0 ? DEVICE_GPU
        : set && strcmp(set, "cpu") == 0                            ? DEVICE_CPU
        : vulkan_is_hardware()                                      ? DEVICE_GPU
                               : DEVICE_CPU;
    atomic_store(&streams.device, d);
  }
  return (lz_device)d;
}

int device_set_default(lz_device d) {
  if (device_require(d)) return 1;
  atomic_store(&streams.device, (int)d);
  return 0;
}

int stream_count(void) {
  return atomic_load(&streams.count);
}

lz_stream* stream_get(int index) {
  return index >= 0 && index < stream_count() ? atomic_load(&streams.all[index])
                                              : NULL;
}

lz_stream* stream_new(lz_device device) {
  pthread_once(&stream_once, stream_init);
  if (device_require(device)) return NULL;
  lz_stream* s = calloc(1, sizeof *s);
  if (!s) return error_memory();
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->work_came, NULL);
  pthread_cond_init(&s->work_done, NULL);
  s->device = device;
  atomic_store(&s->awaited, STREAM_NOBODY);
  pthread_mutex_lock(&streams.lock);
  int index = streams.count;
  if (index == STREAM_MAX) {
    pthread_mutex_unlock(&streams.lock);
    free(s);
    return error_set("[stream] more than %d streams", STREAM_MAX);
  }
  s->index = index;
  snprintf(
      s->name,
      sizeof s->name,
      "%s %d",
      device == DEVICE_CPU ? "cpu" : "gpu",
      index);
  atomic_store(&streams.all[index], s);
  atomic_store(&streams.count, index + 1);
  pthread_mutex_unlock(&streams.lock);
  PROBE(
      stream,
      .stream = (uint32_t)index,
      .device = (uint8_t)device,
      .name = s->name);
  return s;
}

lz_stream* stream_default(lz_device device) {
  if (!defaults[device]) defaults[device] = stream_new(device);
  return defaults[device];
}

int stream_set_default(lz_stream* s) {
  defaults[s->device] = s;
  return 0;
}

static lz_work* stream_pop(lz_stream* s) {
  lz_work* w = s->first;
  s->first = w->next;
  if (!s->first) s->last = NULL;
  return w;
}

static void* stream_main(void* arg) {
  lz_stream* s = arg;
  pthread_mutex_lock(&s->lock);
  for (;;) {
    while (!s->first || s->busy) pthread_cond_wait(&s->work_came, &s->lock);
    s->busy = true;
    while (s->first) {
      lz_work* w = stream_pop(s);
      pthread_mutex_unlock(&s->lock);
      w->run(w);
      pthread_mutex_lock(&s->lock);
    }
    s->busy = false;
  }
  return NULL;
}

static void stream_start(lz_stream* s) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_t t;
  if (pthread_create(&t, &attr, stream_main, s) == 0) {
    char name[16];
    snprintf(name, sizeof name, "lz-%.11s", s->name);
    pthread_setname_np(t, name);
    s->threaded = true;
  }
  pthread_attr_destroy(&attr);
}

void stream_submit(lz_stream* s, lz_work* work) {
  work->next = NULL;
  pthread_mutex_lock(&s->lock);
  if (!s->threaded) stream_start(s);
  if (s->last)
    s->last->next = work;
  else
    s->first = work;
  s->last = work;
  if (s->threaded) {
    pthread_cond_signal(&s->work_came);
    pthread_mutex_unlock(&s->lock);
    return;
  }
  /* The system gives no thread: the work is done here, in order. */
  s->busy = true;
  while (s->first) {
    lz_work* w = stream_pop(s);
    pthread_mutex_unlock(&s->lock);
    w->run(w);
    pthread_mutex_lock(&s->lock);
  }
  s->busy = false;
  pthread_mutex_unlock(&s->lock);
}

bool stream_try_enter(lz_stream* s) {
  if (s->device != DEVICE_CPU) return false;
  pthread_mutex_lock(&s->lock);
  bool entered = !s->busy && !s->first;
  if (entered) s->busy = true;
  pthread_mutex_unlock(&s->lock);
  return entered;
}

void stream_leave(lz_stream* s) {
  pthread_mutex_lock(&s->lock);
  s->busy = false;
  if (s->first) pthread_cond_signal(&s->work_came);
  pthread_mutex_unlock(&s->lock);
}

void stream_done(lz_stream* s, uint64_t ticket) {
  atomic_store(&s->done, ticket);
  /* Only for whom it is: every step has a ticket, and who waits waits for the
   * last of many. Whoever sleeps for more says so again. */
  if (atomic_load(&s->awaited) <= ticket) {
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->awaited, STREAM_NOBODY);
    pthread_cond_broadcast(&s->work_done);
    pthread_mutex_unlock(&s->lock);
  }
}

/* Sleeps until the ticket is done. Either stream_done sees what is awaited, or
 * this sees what is done: both write before they read. */
static void stream_sleep(lz_stream* s, uint64_t ticket) {
  pthread_mutex_lock(&s->lock);
  for (;;) {
    if (atomic_load(&s->awaited) > ticket) atomic_store(&s->awaited, ticket);
    if (atomic_load(&s->done) >= ticket) break;
    pthread_cond_wait(&s->work_done, &s->lock);
  }
  pthread_mutex_unlock(&s->lock);
}

void stream_wait(
    lz_stream* s, uint64_t ticket, enum lazuli_wait reason, uint64_t eval) {
  (void)reason;
  (void)eval;
  if (stream_is_done(s, ticket)) return;
  uint64_t begin = PROBE_ON() ? probe_now() : 0;
  for (int i = 0; i < STREAM_SPINS && !stream_is_done(s, ticket); i++) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  if (!stream_is_done(s, ticket)) stream_sleep(s, ticket);
  if (begin)
    PROBE(
        wait,
        .reason = (uint8_t)reason,
        .stream = (uint32_t)s->index,
        .eval = eval,
        .begin_ns = begin,
        .end_ns = probe_now());
}

void stream_synchronize(lz_stream* s) {
  stream_wait(s, atomic_load(&s->issued), LAZULI_WAIT_SYNCHRONIZE, 0);
}

void stream_synchronize_all(void) {
  for (int i = 0; i < stream_count(); i++) stream_synchronize(stream_get(i));
}
