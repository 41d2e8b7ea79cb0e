#include "graph.h"

#include <stdlib.h>
#include <string.h>

/* Rows of the model to rows of the picture, while it is made. */
typedef struct graph_making {
  graph* g;
  const model* m;
  uint32_t eval;      /* or MODEL_NONE: all */
  uint32_t* of_node;  /* vertex, or NONE */
  uint32_t* of_array; /* vertex of a leaf or of an array made outside */
  uint32_t* of_eval;  /* cluster */
  uint32_t* of_kernel;
  uint32_t vertices_room;
  uint32_t edges_room;
  uint32_t clusters_room;
} graph_making;

static bool graph_room(void** at, uint32_t* room, uint32_t n, size_t size) {
  if (n < *room) return true;
  uint64_t more = *room ? (uint64_t)*room * 2 : 128;
  void* grown = more < UINT32_MAX ? realloc(*at, more * size) : NULL;
  if (!grown) return false;
  *at = grown;
  *room = (uint32_t)more;
  return true;
}

static uint32_t graph_add_cluster(graph_making* k, graph_cluster cluster) {
  graph* g = k->g;
  if (!graph_room(
          (void**)&g->clusters,
          &k->clusters_room,
          g->n_clusters,
          sizeof *g->clusters))
    return MODEL_NONE;
  g->clusters[g->n_clusters] = cluster;
  return g->n_clusters++;
}

static uint32_t graph_add_vertex(graph_making* k, graph_vertex vertex) {
  graph* g = k->g;
  if (!graph_room(
          (void**)&g->vertices,
          &k->vertices_room,
          g->n_vertices,
          sizeof *g->vertices))
    return MODEL_NONE;
  g->vertices[g->n_vertices] = vertex;
  return g->n_vertices++;
}

static bool graph_add_edge(graph_making* k, graph_edge edge) {
  graph* g = k->g;
  if (!graph_room(
          (void**)&g->edges, &k->edges_room, g->n_edges, sizeof *g->edges))
    return false;
  g->edges[g->n_edges++] = edge;
  return true;
}

/* Evaluations in their order; then kernels, so that parents come first. */
static bool graph_clusters(graph_making* k) {
  const model* m = k->m;
  for (uint32_t i = 0; i < m->n_evals; i++) {
    if (k->eval != MODEL_NONE && k->eval != i) continue;
    graph_cluster cluster = {MODEL_NONE, i, MODEL_NONE};
    k->of_eval[i] = graph_add_cluster(k, cluster);
    if (k->of_eval[i] == MODEL_NONE) return false;
  }
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* kernel = &m->kernels[i];
    if (kernel->n_nodes < 2 || kernel->eval == MODEL_NONE ||
        k->of_eval[kernel->eval] == MODEL_NONE)
      continue;
    graph_cluster cluster = {k->of_eval[kernel->eval], kernel->eval, i};
    k->of_kernel[i] = graph_add_cluster(k, cluster);
    if (k->of_kernel[i] == MODEL_NONE) return false;
  }
  return true;
}

static bool graph_nodes(graph_making* k) {
  const model* m = k->m;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const model_node* n = &m->nodes[i];
    if (k->eval != MODEL_NONE && n->eval != k->eval) continue;
    graph_vertex v = {
        .node = i,
        .array = n->n_outputs ? n->first_output : MODEL_NONE,
        .cluster = MODEL_NONE,
        .kind = GRAPH_NODE,
        .never = n->eval == MODEL_NONE};
    if (n->eval != MODEL_NONE) v.cluster = k->of_eval[n->eval];
    if (n->kernel != MODEL_NONE && k->of_kernel[n->kernel] != MODEL_NONE &&
        m->kernels[n->kernel].eval == n->eval)
      v.cluster = k->of_kernel[n->kernel];
    k->of_node[i] = graph_add_vertex(k, v);
    if (k->of_node[i] == MODEL_NONE) return false;
  }
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* e = &m->evals[i];
    for (uint32_t j = 0; j < e->n_outputs; j++) {
      uint32_t node = m->arrays[m->eval_outputs[e->first_output + j]].node;
      if (node != MODEL_NONE && k->of_node[node] != MODEL_NONE &&
          m->nodes[node].eval == i)
        k->g->vertices[k->of_node[node]].output = true;
    }
  }
  return true;
}

static uint32_t graph_source(graph_making* k, uint32_t array) {
  uint32_t node = k->m->arrays[array].node;
  if (node != MODEL_NONE && k->of_node[node] != MODEL_NONE)
    return k->of_node[node];
  if (k->of_array[array] == MODEL_NONE)
    k->of_array[array] = graph_add_vertex(
        k,
        (graph_vertex){
            .node = node,
            .array = array,
            .cluster = MODEL_NONE,
            .kind = node == MODEL_NONE ? GRAPH_LEAF : GRAPH_OUTSIDE});
  return k->of_array[array];
}

static bool graph_edges(graph_making* k) {
  const model* m = k->m;
  uint32_t n_nodes = k->g->n_vertices;
  for (uint32_t v = 0; v < n_nodes; v++) {
    const model_node* n = &m->nodes[k->g->vertices[v].node];
    for (uint32_t i = 0; i < n->n_inputs; i++) {
      uint32_t array = m->inputs[n->first_input + i];
      bool twice = false;
      for (uint32_t j = 0; j < i && i < 16; j++)
        twice |= m->inputs[n->first_input + j] == array;
      if (twice) continue;
      uint32_t maker = m->arrays[array].node;
      graph_edge e = {graph_source(k, array), v, array, false};
      e.boundary = maker != MODEL_NONE && n->eval != MODEL_NONE &&
                   m->nodes[maker].eval != n->eval;
      if (e.from == MODEL_NONE || !graph_add_edge(k, e)) return false;
    }
  }
  return true;
}

static uint32_t* graph_none(uint32_t n) {
  uint32_t* rows = malloc(((size_t)n + 1) * sizeof *rows);
  if (rows) memset(rows, 0xff, ((size_t)n + 1) * sizeof *rows);
  return rows;
}

int graph_make(const model* m, uint32_t eval, graph* out) {
  memset(out, 0, sizeof *out);
  out->m = m;
  graph_making k = {
      .g = out,
      .m = m,
      .eval = eval,
      .of_node = graph_none(m->n_nodes),
      .of_array = graph_none(m->n_arrays),
      .of_eval = graph_none(m->n_evals),
      .of_kernel = graph_none(m->n_kernels)};
  bool fine = k.of_node && k.of_array && k.of_eval && k.of_kernel &&
              graph_clusters(&k) && graph_nodes(&k) && graph_edges(&k);
  for (uint32_t v = 0; fine && v < out->n_vertices; v++) {
    uint64_t ns = graph_ns(out, v), bytes = graph_bytes(out, v);
    out->most_ns = ns > out->most_ns ? ns : out->most_ns;
    out->most_bytes = bytes > out->most_bytes ? bytes : out->most_bytes;
  }
  free(k.of_node);
  free(k.of_array);
  free(k.of_eval);
  free(k.of_kernel);
  if (!fine) graph_free(out);
  return !fine;
}

void graph_free(graph* g) {
  free(g->vertices);
  free(g->edges);
  free(g->clusters);
  memset(g, 0, sizeof *g);
}

uint32_t graph_eval(const model* m, uint64_t id) {
  for (uint32_t i = 0; i < m->n_evals; i++)
    if (m->evals[i].id == id) return i;
  return MODEL_NONE;
}

uint64_t graph_ns(const graph* g, uint32_t vertex) {
  const graph_vertex* v = &g->vertices[vertex];
  if (v->kind != GRAPH_NODE || g->m->nodes[v->node].kernel == MODEL_NONE)
    return 0;
  const model_kernel* k = &g->m->kernels[g->m->nodes[v->node].kernel];
  if (k->end_ns == UINT64_MAX || k->begin_ns == UINT64_MAX || !k->n_nodes)
    return 0;
  return (k->end_ns - k->begin_ns) / k->n_nodes;
}

uint64_t graph_bytes(const graph* g, uint32_t vertex) {
  const graph_vertex* v = &g->vertices[vertex];
  if (v->array == MODEL_NONE) return 0;
  if (v->kind != GRAPH_NODE) {
    /* Runtimes tell no shape of data; the buffer has a size. */
    const model_array* a = &g->m->arrays[v->array];
    return a->bytes || a->buffer == MODEL_NONE ? a->bytes
                                               : g->m->buffers[a->buffer].size;
  }
  const model_node* n = &g->m->nodes[v->node];
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < n->n_outputs; i++)
    bytes += g->m->arrays[n->first_output + i].bytes;
  return bytes;
}
