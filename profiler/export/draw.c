#include "draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "layout.h"

#define DRAW_FONT 11.0f
#define DRAW_LINE 14.0f

/* The geometry of a graph: sizes from the texts. */
typedef struct draw_shape {
  layout_node* nodes;
  layout_edge* edges;
  layout_cluster* clusters;
} draw_shape;

static void draw_shape_free(draw_shape* s) {
  free(s->nodes);
  free(s->edges);
  free(s->clusters);
}

static int draw_shape_make(const graph* g, draw_shape* s) {
  s->nodes = calloc((size_t)g->n_vertices + 1, sizeof *s->nodes);
  s->edges = calloc((size_t)g->n_edges + 1, sizeof *s->edges);
  s->clusters = calloc((size_t)g->n_clusters + 1, sizeof *s->clusters);
  if (!s->nodes || !s->edges || !s->clusters) return 1;
  char lines[GRAPH_LINES][GRAPH_LINE], title[GRAPH_LINE];
  for (uint32_t v = 0; v < g->n_vertices; v++) {
    int n = graph_label(g, v, lines);
    float width = 40;
    for (int i = 0; i < n; i++) {
      float w = canvas_text_width(lines[i], DRAW_FONT, i == 0);
      width = w > width ? w : width;
    }
    s->nodes[v] = (layout_node){
        width + 18, (float)n * DRAW_LINE + 10, g->vertices[v].cluster};
  }
  for (uint32_t i = 0; i < g->n_edges; i++)
    s->edges[i] = (layout_edge){g->edges[i].from, g->edges[i].to};
  for (uint32_t c = 0; c < g->n_clusters; c++) {
    graph_title(title, g, c);
    s->clusters[c] = (layout_cluster){
        g->clusters[c].parent, canvas_text_width(title, DRAW_FONT, true), 18};
  }
  return 0;
}

static uint32_t draw_cluster_fill(const graph* g, uint32_t cluster) {
  return g->clusters[cluster].kernel != MODEL_NONE ? 0xe4efe6 : 0xf3f6fb;
}

static void draw_clusters(canvas* c, const graph* g, const layout_result* r) {
  for (uint32_t i = 0; i < g->n_clusters; i++) {
    if (r->clusters[i].width <= 0) continue;
    bool kernel = g->clusters[i].kernel != MODEL_NONE;
    canvas_rect(
        c,
        r->clusters[i],
        (canvas_pen){
            .fill = draw_cluster_fill(g, i),
            .stroke = kernel ? 0x6aa57c : 0x8da2c0,
            .width = 1,
            .radius = 7});
  }
}

/* Over the edges, each on a ground of its own, to be legible. */
static void draw_titles(canvas* c, const graph* g, const layout_result* r) {
  char title[GRAPH_LINE];
  for (uint32_t i = 0; i < g->n_clusters; i++) {
    layout_box box = r->clusters[i];
    if (box.width <= 0) continue;
    bool kernel = g->clusters[i].kernel != MODEL_NONE;
    float width = canvas_text_width(graph_title(title, g, i), DRAW_FONT, true);
    if (width > box.width - 16) width = box.width - 16;
    canvas_rect(
        c,
        (layout_box){box.x + 8, box.y + 5, width + 4, 15},
        (canvas_pen){.fill = draw_cluster_fill(g, i), .stroke = CANVAS_NONE});
    canvas_text(
        c,
        box.x + 10,
        box.y + 16,
        (canvas_font){
            .colour = kernel ? 0x2f6b42 : 0x33507f,
            .size = DRAW_FONT,
            .bold = true},
        title);
  }
}

static void draw_edges(canvas* c, const graph* g, const layout_result* r) {
  for (int boundary = 0; boundary < 2; boundary++)
    for (uint32_t i = 0; i < g->n_edges; i++)
      if (g->edges[i].boundary == boundary)
        canvas_way(
            c,
            r->points + r->edges[i].first,
            r->edges[i].count,
            (canvas_pen){
                .fill = CANVAS_NONE,
                .stroke = boundary ? 0xc0392b : 0x7a8699,
                .width = boundary ? 1.4f : 1,
                .dashed = boundary},
            true);
}

static void draw_vertices(
    canvas* c, const graph* g, const layout_result* r, graph_by by) {
  char lines[GRAPH_LINES][GRAPH_LINE];
  for (uint32_t v = 0; v < g->n_vertices; v++) {
    const graph_vertex* vertex = &g->vertices[v];
    layout_box box = r->nodes[v];
    bool outside = vertex->kind == GRAPH_OUTSIDE;
    canvas_rect(
        c,
        box,
        (canvas_pen){
            .fill = graph_colour(g, v, by),
            .stroke = outside          ? 0xc0392b
                      : vertex->output ? 0x1f3b73
                                       : 0x7a8699,
            .width = vertex->output ? 2.2f : 1,
            .radius = vertex->kind == GRAPH_LEAF ? box.height / 2 : 5,
            .dashed = outside || vertex->never});
    int n = graph_label(g, v, lines);
    for (int i = 0; i < n; i++)
      canvas_text(
          c,
          box.x + box.width / 2,
          box.y + 5 + DRAW_LINE * (float)i + 11,
          (canvas_font){
              .colour = i ? 0x333333 : 0x000000,
              .size = i ? DRAW_FONT - 0.5f : DRAW_FONT,
              .bold = i == 0,
              .centred = true},
          lines[i]);
  }
}

int draw_layout(const graph* g, layout_result* r) {
  draw_shape shape = {0};
  int failed = draw_shape_make(g, &shape);
  if (!failed) {
    layout_graph lg = {
        shape.nodes,
        shape.edges,
        shape.clusters,
        g->n_vertices,
        g->n_edges,
        g->n_clusters};
    failed = layout_run(&lg, &(layout_options){.stack = true}, r);
  }
  draw_shape_free(&shape);
  return failed;
}

static void draw_all(
    canvas* c, const graph* g, const layout_result* r, graph_by by) {
  draw_clusters(c, g, r);
  draw_edges(c, g, r);
  draw_titles(c, g, r);
  draw_vertices(c, g, r, by);
}

int draw_svg_on(const graph* g, graph_by by, FILE* out) {
  layout_result r;
  char error[80];
  if (draw_layout(g, &r)) return 1;
  canvas* c = canvas_svg_on(out, r.width, r.height);
  if (c) draw_all(c, g, &r, by);
  int failed = !c || canvas_close(c, error, sizeof error);
  layout_free(&r);
  return failed;
}

static int draw_layered(
    const graph* g,
    graph_by by,
    const char* path,
    float* scale,
    char* error,
    size_t error_size) {
  layout_result r;
  if (draw_layout(g, &r)) {
    snprintf(error, error_size, "not enough memory to lay out the graph");
    return 1;
  }
  int failed = 0;
  canvas* c = canvas_open(
      path, canvas_format_of(path), r.width, r.height, error, error_size);
  if (c) {
    *scale = canvas_scale(c);
    draw_all(c, g, &r, by);
    failed = canvas_close(c, error, error_size);
  }
  layout_free(&r);
  return !c || failed;
}

int draw(
    const graph* g,
    const draw_options* options,
    const char* path,
    float* scale,
    char* error,
    size_t error_size) {
  float unasked;
  if (!scale) scale = &unasked;
  *scale = 1;
  if (canvas_format_of(path) == CANVAS_UNKNOWN) {
    snprintf(
        error, error_size, "%s: the name must end in .svg, .png or .pdf", path);
    return 1;
  }
  if (options->engine == DRAW_GRAPHVIZ ||
      (options->engine == DRAW_AUTO && g->n_vertices <= DRAW_SMALL))
    return draw_graphviz(g, options->by, path, error, error_size);
  return draw_layered(g, options->by, path, scale, error, error_size);
}
