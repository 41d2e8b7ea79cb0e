/* Writes a trace of random contents, every kind of event in it:
 *
 *   make_sample OUT SEED EVENTS THREADS RING_BYTES
 *
 * The same arguments give the same events (one thread) at the same times. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace_support.h"

typedef struct sample_thread {
  trace_writer* writer;
  uint64_t seed, events;
} sample_thread;

static void* sample_write(void* user) {
  const sample_thread* s = user;
  test_random r = {.state = s->seed};
  size_t bytes = 1 << 20;
  test_pool pool = {malloc(bytes), bytes, 0};
  uint32_t kinds;
  const trace_event_info* table = trace_events(&kinds);
  uint64_t time = 1000000000;
  for (uint64_t i = 0; i < s->events; i++) {
    trace_event event;
    pool.used = 0;
    event.kind = table[i < kinds ? i : test_below(&r, kinds)].kind;
    event.time = time += test_below(&r, 1000) * test_below(&r, 1000);
    test_fill(&r, &pool, test_below(&r, 50) ? 6 : 400, &event);
    test_put(s->writer, &event);
  }
  free(pool.bytes);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  trace_writer_options options = {
      .chunk_bytes = 65536, .ring_bytes = strtoull(argv[5], NULL, 0)};
  trace_writer* w = trace_writer_open(argv[1], &options);
  if (!w) return perror(argv[1]), 1;
  int threads = atoi(argv[4]);
  pthread_t ids[64];
  sample_thread each[64];
  for (int i = 0; i < threads && i < 64; i++) {
    each[i] = (sample_thread){
        w,
        strtoull(argv[2], NULL, 0) + (uint64_t)i,
        strtoull(argv[3], NULL, 0)};
    pthread_create(&ids[i], NULL, sample_write, &each[i]);
  }
  for (int i = 0; i < threads && i < 64; i++) pthread_join(ids[i], NULL);
  uint64_t lost = trace_writer_lost(w);
  trace_writer_close(w);
  return lost != 0;
}
