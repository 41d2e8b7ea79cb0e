/* A graph as a picture: SVG, PNG or PDF. */
#ifndef DRAW_H
#define DRAW_H

#include <stddef.h>
#include <stdio.h>

#include "graph.h"
#include "layout.h"

/* Which program places the vertices: Graphviz draws nicer and takes more than
 * linear time; the layered layout of profiler/layout is for large graphs. */
typedef enum draw_engine {
  DRAW_AUTO, /* Graphviz up to DRAW_SMALL vertices */
  DRAW_GRAPHVIZ,
  DRAW_LAYERED
} draw_engine;
#define DRAW_SMALL 800

typedef struct draw_options {
  draw_engine engine;
  graph_by by;
} draw_options;

/* Writes `path`; its ending tells the format. *scale, where asked for: how much
 * smaller than natural the picture became to fit the format. 0, or 1 with one
 * line in `error`. */
int draw(
    const graph* g,
    const draw_options* options,
    const char* path,
    float* scale,
    char* error,
    size_t error_size);

/* Where the layered layout puts the vertices, clusters and edges of a graph, in
 * pixels. 0, or 1 when there is no memory. Free with layout_free(). */
int draw_layout(const graph* g, layout_result* r);

/* An SVG element within a file of the caller's, by the layered layout. 0, or 1
 * when there is no memory. */
int draw_svg_on(const graph* g, graph_by by, FILE* out);

/* By Graphviz alone; the same. */
int draw_graphviz(
    const graph* g,
    graph_by by,
    const char* path,
    char* error,
    size_t error_size);

#endif
