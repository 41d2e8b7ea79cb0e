/* The picture of a graph before it has a form: what DOT, SVG, PNG, PDF and the
 * viewer show of a trace, of one evaluation or of all.
 *
 * Vertices are nodes and the arrays that no node of the picture made; clusters
 * are evaluations, and in them the kernels of two nodes or more. */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

typedef enum graph_kind {
  GRAPH_NODE,   /* a node */
  GRAPH_LEAF,   /* an array that no node made: data of the program */
  GRAPH_OUTSIDE /* an array that another evaluation computed */
} graph_kind;

typedef struct graph_vertex {
  uint32_t node;    /* of the model; MODEL_NONE for a leaf */
  uint32_t array;   /* its first output; MODEL_NONE where it has none */
  uint32_t cluster; /* of the graph, or MODEL_NONE */
  uint8_t kind;
  bool output; /* the evaluation was asked for it */
  bool never;  /* built and never computed */
} graph_vertex;

typedef struct graph_edge {
  uint32_t from; /* vertices */
  uint32_t to;
  uint32_t array;
  bool boundary; /* another evaluation computed it: fusion ends here */
} graph_edge;

typedef struct graph_cluster {
  uint32_t parent; /* cluster, or MODEL_NONE */
  uint32_t eval;
  uint32_t kernel; /* MODEL_NONE: the cluster is an evaluation */
} graph_cluster;

typedef struct graph {
  const model* m;
  graph_vertex* vertices;
  graph_edge* edges;
  graph_cluster* clusters; /* a parent comes before what is in it */
  uint32_t n_vertices;
  uint32_t n_edges;
  uint32_t n_clusters;
  uint64_t most_ns; /* largest time and size of a vertex: scales for colours */
  uint64_t most_bytes;
} graph;

/* Of one evaluation (an index), or of all with MODEL_NONE. 0, or 1 when there
 * is no memory. Free with graph_free(). */
int graph_make(const model* m, uint32_t eval, graph* out);
void graph_free(graph* g);

/* The row of an evaluation by the number that reports print; MODEL_NONE: there
 * is none. */
uint32_t graph_eval(const model* m, uint64_t id);

/* Its share of the time of its kernel, and the bytes of its outputs. */
uint64_t graph_ns(const graph* g, uint32_t vertex);
uint64_t graph_bytes(const graph* g, uint32_t vertex);

typedef enum graph_by {
  GRAPH_BY_TIME,
  GRAPH_BY_BYTES,
  GRAPH_BY_DTYPE
} graph_by;
/* "time", "bytes", "dtype"; false for another word. */
bool graph_by_name(const char* name, graph_by* out);

/* 0xrrggbb: the fill of a vertex. Dark text is legible on all of them. */
uint32_t graph_colour(const graph* g, uint32_t vertex, graph_by by);

/* What stands in a vertex, one line each; the first names it. */
#define GRAPH_LINES 3
#define GRAPH_LINE 160
int graph_label(
    const graph* g, uint32_t vertex, char lines[GRAPH_LINES][GRAPH_LINE]);

/* What stands over a cluster; and where a vertex was built ("" when not
 * known). UTF-8, without control characters. Return `out`. */
char* graph_title(char out[GRAPH_LINE], const graph* g, uint32_t cluster);
char* graph_place(char out[GRAPH_LINE], const graph* g, uint32_t vertex);

#endif
