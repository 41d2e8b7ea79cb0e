/* Layered layout of large graphs with nested clusters: pure geometry.
 *
 * Every cluster is laid out on its own, as a layered graph of its nodes and of
 * its inner clusters, and is then one box in the layout around it: so clusters
 * are contiguous and never overlap, and the time grows about linearly with
 * nodes and edges. Edges point downwards; those that close a cycle point up.
 *
 * Units are the caller's (the tools use pixels); y grows downwards, and the
 * picture begins at (0, 0). Any thread; nothing is shared between calls.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_NONE UINT32_MAX

typedef struct layout_node {
  float width;
  float height;
  uint32_t cluster; /* or LAYOUT_NONE: in none */
} layout_node;

typedef struct layout_edge {
  uint32_t from; /* nodes */
  uint32_t to;
} layout_edge;

typedef struct layout_cluster {
  uint32_t parent;    /* smaller than its own index, or LAYOUT_NONE */
  float label_width;  /* the box is no narrower */
  float label_height; /* kept free at its top */
} layout_cluster;

typedef struct layout_graph {
  const layout_node* nodes;
  const layout_edge* edges;
  const layout_cluster* clusters;
  uint32_t n_nodes;
  uint32_t n_edges;
  uint32_t n_clusters;
} layout_graph;

typedef struct layout_options {
  float node_gap;  /* between neighbours of a layer; 0: 24 */
  float layer_gap; /* between layers; 0: 36 */
  float padding;   /* inside of clusters; 0: 12 */
  bool stack;      /* outermost clusters in the order of their indices, each
                      below the one before: evaluations in the order of time */
  uint32_t sweeps; /* of crossing reduction; 0: as many as time allows (4…12) */
  /* Called now and then with 0…1; a non-zero answer cancels. */
  int (*progress)(double fraction, void* user);
  void* user;
} layout_options;

typedef struct layout_point {
  float x;
  float y;
} layout_point;

typedef struct layout_box {
  float x; /* of the upper left corner */
  float y;
  float width;
  float height;
} layout_box;

/* The way of an edge: points[first … first+count-1] from node to node, at least
 * two. Consecutive points are best joined by curves that are vertical at both.
 */
typedef struct layout_way {
  uint32_t first;
  uint32_t count;
} layout_way;

typedef struct layout_result {
  layout_box* nodes;    /* beside graph.nodes */
  layout_box* clusters; /* beside graph.clusters; width 0: it is empty */
  layout_way* edges;    /* beside graph.edges; count 0: a loop to itself */
  layout_point* points;
  uint32_t n_points;
  float width; /* of all */
  float height;
} layout_result;

/* 0; 1 when there is no memory; 2 when cancelled; 3 when an index of the graph
 * is out of range. `out` needs layout_free() only after 0. */
int layout_run(
    const layout_graph* graph,
    const layout_options* options,
    layout_result* out);
void layout_free(layout_result* result);

#endif
