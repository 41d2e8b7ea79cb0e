#include "export_dot.h"

#include <stdlib.h>

#include "text.h"

/* Inside quotes. Backslashes begin escapes and ampersands entities; both are
 * meant as they are. */
static void dot_text(FILE* out, const char* text) {
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') {
      fputc('\\', out);
      fputc(*text, out);
    } else if (*text == '&') {
      fputs("&amp;", out);
    } else {
      fputc(*text, out);
    }
  }
}

static void dot_vertex(
    FILE* out, const graph* g, uint32_t v, graph_by by, int indent) {
  char lines[GRAPH_LINES][GRAPH_LINE], place[GRAPH_LINE];
  int n = graph_label(g, v, lines);
  const graph_vertex* vertex = &g->vertices[v];
  fprintf(out, "%*sn%u [label=\"", indent, "", v);
  for (int i = 0; i < n; i++) {
    if (i) fputs("\\n", out);
    dot_text(out, lines[i]);
  }
  fprintf(out, "\", fillcolor=\"#%06x\"", graph_colour(g, v, by));
  if (vertex->output) fputs(", penwidth=2.2, color=\"#1f3b73\"", out);
  if (vertex->never) fputs(", style=\"rounded,dashed\"", out);
  if (vertex->kind == GRAPH_LEAF) fputs(", shape=ellipse", out);
  if (vertex->kind == GRAPH_OUTSIDE)
    fputs(", style=\"rounded,filled,dashed\", color=\"#c0392b\"", out);
  if (*graph_place(place, g, v)) {
    fputs(", tooltip=\"", out);
    dot_text(out, place);
    fputc('"', out);
  }
  fputs("];\n", out);
}

/* Vertices by cluster, beside one another; the last list is of those in none.
 */
static uint32_t* dot_lists(const graph* g, uint32_t** first) {
  uint32_t n = g->n_clusters + 1;
  *first = calloc((size_t)n + 2, sizeof **first);
  uint32_t* list = malloc(((size_t)g->n_vertices + 1) * sizeof *list);
  if (!*first || !list) {
    free(*first);
    free(list);
    return NULL;
  }
  for (uint32_t v = 0; v < g->n_vertices; v++) {
    uint32_t c = g->vertices[v].cluster;
    (*first)[(c == MODEL_NONE ? g->n_clusters : c) + 2]++;
  }
  for (uint32_t c = 0; c < n; c++) (*first)[c + 1] += (*first)[c];
  for (uint32_t v = 0; v < g->n_vertices; v++) {
    uint32_t c = g->vertices[v].cluster;
    list[(*first)[(c == MODEL_NONE ? g->n_clusters : c) + 1]++] = v;
  }
  return list;
}

static void dot_clusters(
    FILE* out,
    const graph* g,
    graph_by by,
    const uint32_t* first,
    const uint32_t* list) {
  char title[GRAPH_LINE];
  /* Kernels come after all evaluations, in the order of evaluations or not:
   * each evaluation names its own by a chain through them. */
  uint32_t* head = malloc(((size_t)g->n_clusters + 1) * sizeof *head);
  uint32_t* next = malloc(((size_t)g->n_clusters + 1) * sizeof *next);
  for (uint32_t c = 0; head && next && c < g->n_clusters; c++)
    head[c] = MODEL_NONE;
  for (uint32_t c = g->n_clusters; head && next && c-- > 0;)
    if (g->clusters[c].parent != MODEL_NONE) {
      next[c] = head[g->clusters[c].parent];
      head[g->clusters[c].parent] = c;
    }
  for (uint32_t c = 0; head && next && c < g->n_clusters; c++) {
    if (g->clusters[c].parent != MODEL_NONE) continue;
    fprintf(out, "  subgraph cluster_eval_%u {\n    label=\"", c);
    dot_text(out, graph_title(title, g, c));
    fputs(
        "\"; style=\"rounded,filled\"; fillcolor=\"#f3f6fb\"; "
        "color=\"#8da2c0\";\n",
        out);
    for (uint32_t k = head[c]; k != MODEL_NONE; k = next[k]) {
      fprintf(out, "    subgraph cluster_kernel_%u {\n      label=\"", k);
      dot_text(out, graph_title(title, g, k));
      fputs(
          "\"; style=\"rounded,filled\"; fillcolor=\"#e4efe6\"; "
          "color=\"#6aa57c\";\n",
          out);
      for (uint32_t i = first[k]; i < first[k + 1]; i++)
        dot_vertex(out, g, list[i], by, 6);
      fputs("    }\n", out);
    }
    for (uint32_t i = first[c]; i < first[c + 1]; i++)
      dot_vertex(out, g, list[i], by, 4);
    fputs("  }\n", out);
  }
  free(head);
  free(next);
}

int export_dot(FILE* out, const graph* g, graph_by by) {
  uint32_t* first;
  uint32_t* list = dot_lists(g, &first);
  if (!list) return 1;
  const model* m = g->m;
  char room[256];
  fputs("digraph lazuli {\n  label=\"", out);
  dot_text(
      out,
      text_utf8(
          room, sizeof room, text_base(model_string(m, m->info.executable))));
  fputs(
      "\"; labelloc=t; charset=\"UTF-8\"; rankdir=TB; nodesep=0.25; "
      "ranksep=0.35;\n"
      "  graph [fontname=\"Helvetica\", fontsize=11, fontcolor=\"#33415c\"];\n"
      "  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", "
      "fontsize=10, margin=\"0.12,0.06\", color=\"#7a8699\", "
      "fillcolor=white];\n"
      "  edge [color=\"#7a8699\", arrowsize=0.6];\n",
      out);
  dot_clusters(out, g, by, first, list);
  for (uint32_t i = first[g->n_clusters]; i < first[g->n_clusters + 1]; i++)
    dot_vertex(out, g, list[i], by, 2);
  for (uint32_t i = 0; i < g->n_edges; i++) {
    const graph_edge* e = &g->edges[i];
    fprintf(
        out,
        "  n%u -> n%u%s;\n",
        e->from,
        e->to,
        e->boundary ? " [color=\"#c0392b\", style=dashed, penwidth=1.4, "
                      "tooltip=\"crosses an eval boundary\"]"
                    : "");
  }
  fputs("}\n", out);
  free(list);
  free(first);
  return ferror(out) != 0;
}
