#include "watch.h"

#include <stdio.h>
#include <string.h>

watch_counts watched;

static void on_node(void* u, const lazuli_probe_node* e) {
  (void)u, (void)e;
  __atomic_fetch_add(&watched.nodes, 1, __ATOMIC_RELAXED);
}
static void on_eval_end(void* u, const lazuli_probe_eval_end* e) {
  (void)u;
  watched.evals++;
  watched.planned += !e->plan_cached;
  watched.last_nodes = e->nodes;
}
static void on_fusion(void* u, const lazuli_probe_fusion* e) {
  (void)u;
  watched.saved += e->bytes_saved;
}
static void on_kernel(void* u, const lazuli_probe_kernel_begin* e) {
  (void)u;
  __atomic_fetch_add(&watched.kernels, 1, __ATOMIC_RELAXED);
  snprintf(watched.last_kernel, sizeof watched.last_kernel, "%s", e->name);
}
static void on_kernel_end(void* u, const lazuli_probe_kernel_end* e) {
  (void)u;
  __atomic_fetch_add(&watched.ended, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(&watched.read, e->bytes_read, __ATOMIC_RELAXED);
  __atomic_fetch_add(&watched.written, e->bytes_written, __ATOMIC_RELAXED);
}
static void on_refusal(void* u, const lazuli_probe_refusal* e) {
  (void)u;
  watched.refusals++;
  watched.last_refusal = e->reason;
}
static void on_donation(void* u, const lazuli_probe_donation* e) {
  (void)u;
  watched.donated += e->result == LAZULI_DONATION_MADE;
}
static void on_rewrite(void* u, const lazuli_probe_rewrite* e) {
  (void)u;
  watched.absorbed += e->what == LAZULI_REWRITE_ABSORBED;
  watched.merged += e->what == LAZULI_REWRITE_MERGED;
  watched.folded += e->what == LAZULI_REWRITE_FOLDED;
  watched.dropped += e->what == LAZULI_REWRITE_DROPPED;
  watched.simplified += e->what == LAZULI_REWRITE_SIMPLIFIED;
  watched.recomputed += e->what == LAZULI_REWRITE_RECOMPUTED;
}
static void on_wait(void* u, const lazuli_probe_wait* e) {
  (void)u, (void)e;
  __atomic_fetch_add(&watched.waits, 1, __ATOMIC_RELAXED);
}

void watch_start(void) {
  static const lazuli_probe probe = {
      .version = LAZULI_PROBE_VERSION,
      .size = sizeof(lazuli_probe),
      .node = on_node,
      .eval_end = on_eval_end,
      .fusion = on_fusion,
      .kernel_begin = on_kernel,
      .kernel_end = on_kernel_end,
      .refusal = on_refusal,
      .donation = on_donation,
      .rewrite = on_rewrite,
      .wait = on_wait,
  };
  memset(&watched, 0, sizeof watched);
  lazuli_probe_attach(&probe);
}

void watch_stop(void) {
  lazuli_probe_attach(NULL);
}
