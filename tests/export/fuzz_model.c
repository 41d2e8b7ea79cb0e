/* fuzz_model [SECONDS] [SEED]: traces of events made at random, well formed and
 * senseless, through everything that reads a model. Each index that the model
 * hands out must be in range, and nothing may crash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "export.h"
#include "graph.h"
#include "layout.h"
#include "trace.h"
#include "why.h"

static uint64_t state;
static uint64_t fuzz_random(uint64_t below) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % below;
}

static void fuzz_fail(const char* what) {
  fprintf(stderr, "fuzz_model: %s\n", what);
  abort();
}

/* Mostly small: so that ids meet, and lists come to something. */
static uint64_t fuzz_number(void) {
  switch (fuzz_random(12)) {
    case 0:
      return UINT64_MAX - fuzz_random(3);
    case 1:
      return fuzz_random(UINT64_MAX);
    case 2:
      return 0;
    case 3:
      return fuzz_random(100000);
    default:
      return fuzz_random(40);
  }
}

/* What the lists of an event under way point at. */
typedef struct fuzz_room {
  uint64_t ids[8][16];
  trace_array arrays[8][6];
  int32_t shapes[8][6][5];
} fuzz_room;

static void fuzz_field(
    uint8_t* event, const trace_field_info* f, uint32_t i, fuzz_room* room) {
  static const char* const words[] = {
      "", "Add", "Slice", "/home/a/b.c", "x;y\"<&>\\", "\xff\xc0z", "<frozen"};
  void* at = event + f->offset;
  i &= 7;
  if (f->type == TRACE_U8) {
    *(uint8_t*)at = (uint8_t)fuzz_random(fuzz_random(4) ? 14 : 256);
  } else if (
      f->type == TRACE_U32 || f->type == TRACE_STR || f->type == TRACE_STACK) {
    *(uint32_t*)at = (uint32_t)fuzz_number();
  } else if (f->type == TRACE_U64 || f->type == TRACE_NS) {
    *(uint64_t*)at = fuzz_number();
  } else if (f->type == TRACE_TEXT) {
    const char* word = words[fuzz_random(7)];
    *(trace_text*)at = (trace_text){word, (uint32_t)strlen(word)};
  } else if (f->type == TRACE_IDS) {
    uint32_t n = (uint32_t)fuzz_random(16);
    for (uint32_t k = 0; k < n; k++)
      room->ids[i][k] = fuzz_random(6) ? fuzz_number()
                                       : TRACE_FRAME_LOCATION | fuzz_random(40);
    *(trace_ids*)at = (trace_ids){room->ids[i], n};
  } else if (f->type == TRACE_ARRAYS) {
    uint32_t n = (uint32_t)fuzz_random(5);
    for (uint32_t k = 0; k < n; k++) {
      for (int d = 0; d < 5; d++)
        room->shapes[i][k][d] = (int32_t)fuzz_number();
      room->arrays[i][k] = (trace_array){
          (uint8_t)fuzz_random(16),
          (uint8_t)fuzz_random(6),
          room->shapes[i][k]};
    }
    *(trace_arrays*)at = (trace_arrays){room->arrays[i], n};
  }
}

static void fuzz_put(trace_writer* w, const trace_event_info* info) {
  fuzz_room room;
  trace_event e;
  memset(&e, 0, sizeof e);
  for (uint32_t i = 0; i < info->n_fields; i++)
    fuzz_field((uint8_t*)&e.process, &info->fields[i], i, &room);
  uint64_t time = 1 + fuzz_random(5000);
  switch (info->kind) {
#define EVENT(number, id, name, text, ...) \
  case number:                             \
    trace_put_##id(w, time, &e.id);        \
    break;
#include "events.def"
#undef EVENT
  }
}

static void fuzz_make(const char* path) {
  trace_writer_options options = {.chunk_bytes = 16384};
  trace_writer* w = trace_writer_open(path, &options);
  if (!w) fuzz_fail("cannot write a trace");
  uint32_t n;
  const trace_event_info* all = trace_events(&n);
  /* Half of the traces begin as sound ones do. */
  if (fuzz_random(2))
    for (uint32_t i = 0; i < n && all[i].kind < 16; i++)
      for (int k = 0; k < 20; k++) fuzz_put(w, &all[i]);
  for (uint64_t k = 20 + fuzz_random(600); k > 0; k--)
    fuzz_put(w, &all[fuzz_random(n)]);
  trace_writer_close(w);
}

static void fuzz_in(uint32_t index, uint32_t n, const char* what) {
  if (index != MODEL_NONE && index >= n) fuzz_fail(what);
}

static void fuzz_indices(const model* m) {
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    fuzz_in(n->eval, m->n_evals, "node.eval");
    fuzz_in(n->kernel, m->n_kernels, "node.kernel");
    fuzz_in(n->merged_into, m->n_nodes, "node.merged_into");
    fuzz_in(n->stack, m->n_stacks, "node.stack");
    fuzz_in(n->thread, m->n_threads, "node.thread");
    if (n->first_input + n->n_inputs > m->n_inputs) fuzz_fail("node.inputs");
    if (n->first_output + n->n_outputs > m->n_arrays) fuzz_fail("node.outputs");
    for (uint32_t k = 0; k < n->n_outputs; k++)
      if (m->arrays[n->first_output + k].node != i) fuzz_fail("array.node");
  }
  for (uint32_t i = 0; i < m->n_arrays; i++) {
    const model_array* a = &m->arrays[i];
    fuzz_in(a->node, m->n_nodes, "array.node");
    fuzz_in(a->buffer, m->n_buffers, "array.buffer");
    fuzz_in(a->base, m->n_arrays, "array.base");
    if (a->shape + a->ndim > m->n_dims) fuzz_fail("array.shape");
    uint32_t n;
    const uint32_t* consumers = model_consumers(m, i, &n);
    for (uint32_t k = 0; k < n; k++)
      if (consumers[k] >= m->n_nodes) fuzz_fail("consumers");
  }
  for (uint32_t i = 0; i < m->n_inputs; i++)
    if (m->inputs[i] >= m->n_arrays) fuzz_fail("inputs");
  for (uint32_t i = 0; i < m->n_eval_outputs; i++)
    if (m->eval_outputs[i] >= m->n_arrays) fuzz_fail("eval_outputs");
  for (uint32_t i = 0; i < m->n_kernel_nodes; i++)
    if (m->kernel_nodes[i] >= m->n_nodes) fuzz_fail("kernel_nodes");
  for (uint32_t i = 0; i < m->n_kernel_arrays; i++)
    if (m->kernel_arrays[i] >= m->n_arrays) fuzz_fail("kernel_arrays");
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    fuzz_in(m->buffers[i].array, m->n_arrays, "buffer.array");
    fuzz_in(m->buffers[i].kernel, m->n_kernels, "buffer.kernel");
    fuzz_in(m->buffers[i].stack, m->n_stacks, "buffer.stack");
  }
  for (uint32_t i = 0; i < m->n_kernels; i++)
    fuzz_in(m->kernels[i].eval, m->n_evals, "kernel.eval");
  for (uint32_t i = 0; i < m->n_stacks; i++)
    fuzz_in(m->stacks[i].site, m->n_frames, "stack.site");
  for (uint32_t i = 1; i < m->n_memory; i++)
    if (m->memory[i].time_ns < m->memory[i - 1].time_ns)
      fuzz_fail("memory runs backwards");
}

static void fuzz_layout(const graph* g) {
  layout_node* nodes = calloc(g->n_vertices + 1, sizeof *nodes);
  layout_edge* edges = calloc(g->n_edges + 1, sizeof *edges);
  layout_cluster* clusters = calloc(g->n_clusters + 1, sizeof *clusters);
  for (uint32_t i = 0; i < g->n_vertices; i++)
    nodes[i] = (layout_node){20, 10, g->vertices[i].cluster};
  for (uint32_t i = 0; i < g->n_edges; i++)
    edges[i] = (layout_edge){g->edges[i].from, g->edges[i].to};
  for (uint32_t i = 0; i < g->n_clusters; i++)
    clusters[i] = (layout_cluster){g->clusters[i].parent, 10, 5};
  layout_graph lg = {
      nodes, edges, clusters, g->n_vertices, g->n_edges, g->n_clusters};
  layout_result r;
  if (layout_run(&lg, NULL, &r)) fuzz_fail("a graph cannot be laid out");
  layout_free(&r);
  free(nodes);
  free(edges);
  free(clusters);
}

static void fuzz_read(const char* path) {
  char error[512] = "";
  model* m = model_load(path, NULL, error, sizeof error);
  if (!m) fuzz_fail(error);
  fuzz_indices(m);
  for (int i = 0; i < 5; i++) {
    model_peak peak;
    if (model_memory_at(m, fuzz_random(6000), &peak)) fuzz_fail("memory");
    for (uint32_t k = 0; k < peak.n_alive; k++) {
      char text[300];
      why_text(
          text,
          sizeof text,
          m,
          why_alive(m, peak.alive[k].array, peak.time_ns));
    }
    model_peak_free(&peak);
  }
  summary* s = summary_new(m);
  findings found;
  if (!s || rules_find(m, s, &found)) fuzz_fail("no summary");
  graph g;
  if (graph_make(m, MODEL_NONE, &g)) fuzz_fail("no graph");
  fuzz_layout(&g);
  graph_free(&g);
  uint32_t n;
  const exporter* all = exporters(&n);
  for (uint32_t i = 0; i < n; i++) {
    if (!strcmp(all[i].name, "csv") || !strcmp(all[i].name, "sqlite")) continue;
    export_job job = {m, s, &found, "/dev/null", error, sizeof error};
    if (all[i].run(&job)) fuzz_fail(error);
  }
  rules_free(&found);
  summary_free(s);
  model_free(m);
}

int main(int argc, char** argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 10;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
  char path[64];
  snprintf(path, sizeof path, "/tmp/lazuli-fuzz-model-%d.lzt", (int)getpid());
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  uint64_t traces = 0;
  double spent;
  do {
    state = seed + traces++;
    fuzz_make(path);
    fuzz_read(path);
    clock_gettime(CLOCK_MONOTONIC, &now);
    spent = (double)(now.tv_sec - begin.tv_sec) +
            1e-9 * (double)(now.tv_nsec - begin.tv_nsec);
  } while (spent < seconds);
  unlink(path);
  printf(
      "%llu traces from seed %llu\n",
      (unsigned long long)traces,
      (unsigned long long)seed);
  return 0;
}
