/* Streams: ordered queues of work on a device, each with a thread of its own.
 *
 * Work is numbered by tickets, 1, 2, 3 … per stream; `done` is the last ticket
 * whose work has ended, so "has this value been computed" is one comparison and
 * waiting for another stream is waiting for its `done`.
 *
 * A synchronous evaluation on an idle CPU stream runs on the calling thread
 * (stream_try_enter), which saves two context switches; order is kept because
 * entering needs an empty queue.
 *
 * Streams live until the process ends; a thread's default streams are made on
 * first use.
 */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <pthread.h>

#include "core/array.h"
#include "lazuli/probe.h"

typedef enum lz_device { DEVICE_CPU = 0, DEVICE_GPU = 1 } lz_device;

/* A piece of work: run() executes it on the stream's thread and must lead to
 * stream_done() for each of its tickets. The stream never touches it again. */
typedef struct lz_work {
  struct lz_work* next;
  void (*run)(struct lz_work* work);
} lz_work;

#define STREAM_NOBODY UINT64_MAX

struct lz_stream {
  int index;
  lz_device device;
  char name[24];
  pthread_mutex_t lock;
  pthread_cond_t work_came;
  pthread_cond_t work_done;
  lz_work* first;
  lz_work* last;
  bool busy;               /* some thread runs this stream's work */
  bool threaded;           /* the worker exists */
  _Atomic uint64_t issued; /* last ticket given out; graph lock */
  _Atomic uint64_t done;
  _Atomic uint64_t awaited; /* the least ticket that a thread sleeps for;
                               STREAM_NOBODY: none does */
  void* backend;            /* the GPU backend's own */
};

/* The calling thread's default stream on a device; NULL with a message where
 * the device is not available. */
lz_stream* stream_default(lz_device device);
int stream_set_default(lz_stream* s);
lz_stream* stream_new(lz_device device);
/* By index, NULL if there is none. */
lz_stream* stream_get(int index);
int stream_count(void);

/* The default device: process-wide. LAZULI_DEVICE=cpu|gpu sets the first one.
 */
lz_device device_default(void);
int device_set_default(lz_device d);
bool device_available(lz_device d, int index);
int device_count(lz_device d);

/* Appends work; the stream's thread runs it. */
void stream_submit(lz_stream* s, lz_work* work);

/* If nothing is queued or running, makes the calling thread the stream's runner
 * until stream_leave(). CPU streams only. */
bool stream_try_enter(lz_stream* s);
void stream_leave(lz_stream* s);

/* The work up to `ticket` has ended. */
void stream_done(lz_stream* s, uint64_t ticket);
static inline bool stream_is_done(const lz_stream* s, uint64_t ticket) {
  return atomic_load_explicit(&s->done, memory_order_acquire) >= ticket;
}
/* Waits for it; reports the wait to the probe. */
void stream_wait(
    lz_stream* s, uint64_t ticket, enum lazuli_wait reason, uint64_t eval);
/* Waits for all that was submitted before the call. */
void stream_synchronize(lz_stream* s);
void stream_synchronize_all(void);

#endif
