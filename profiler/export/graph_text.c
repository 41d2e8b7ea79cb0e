/* Words and colours of a picture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "summary.h"
#include "text.h"

/* UTF-8 without control characters, whatever a program called its things. */
static void graph_clean(char* line, const char* text) {
  char room[GRAPH_LINE];
  const char* fine = text_utf8(room, sizeof room, text);
  size_t n = 0;
  for (; *fine && n + 8 < GRAPH_LINE; fine++)
    line[n++] = (unsigned char)*fine < ' ' || *fine == 0x7f ? '?' : *fine;
  /* Not in the middle of a character. */
  while (*fine && n && ((unsigned char)line[n - 1] & 0xc0) == 0x80) n--;
  if (*fine && n && ((unsigned char)line[n - 1] & 0x80)) n--;
  if (*fine) n += (size_t)snprintf(line + n, 8, "…");
  line[n] = 0;
}

static void graph_array_line(
    const graph* g, uint32_t array, uint32_t outputs, char line[GRAPH_LINE]) {
  char shape[80];
  snprintf(
      line,
      GRAPH_LINE,
      outputs > 1 ? "%s %s × %u" : "%s %s",
      text_shape(shape, sizeof shape, g->m, array),
      text_dtype(g->m->arrays[array].dtype),
      outputs);
}

int graph_label(
    const graph* g, uint32_t vertex, char lines[GRAPH_LINES][GRAPH_LINE]) {
  const model* m = g->m;
  const graph_vertex* v = &g->vertices[vertex];
  char bytes[TEXT_SIZE], ns[TEXT_SIZE];
  const char* op =
      v->node == MODEL_NONE ? "data" : model_string(m, m->nodes[v->node].op);
  graph_clean(lines[0], *op ? op : "?");
  int n = 1;
  if (v->array != MODEL_NONE && m->arrays[v->array].dtype != TEXT_DTYPE_UNKNOWN)
    graph_array_line(
        g,
        v->array,
        v->kind == GRAPH_NODE ? m->nodes[v->node].n_outputs : 1,
        lines[n++]);
  uint64_t size = graph_bytes(g, vertex), time = graph_ns(g, vertex);
  if (v->kind == GRAPH_OUTSIDE) {
    uint32_t eval = m->nodes[v->node].eval;
    if (eval == MODEL_NONE)
      snprintf(lines[n++], GRAPH_LINE, "never computed");
    else
      snprintf(
          lines[n++],
          GRAPH_LINE,
          "of eval %llu",
          (unsigned long long)m->evals[eval].id);
  } else if (time) {
    snprintf(
        lines[n++],
        GRAPH_LINE,
        "%s · %s",
        text_bytes(bytes, size),
        text_ns(ns, time));
  } else if (v->kind == GRAPH_NODE && m->nodes[v->node].rewrite) {
    snprintf(
        lines[n++], GRAPH_LINE, "%s", text_rewrite(m->nodes[v->node].rewrite));
  } else if (n == 2 || size) {
    snprintf(lines[n++], GRAPH_LINE, "%s", text_bytes(bytes, size));
  }
  return n;
}

char* graph_title(char out[GRAPH_LINE], const graph* g, uint32_t cluster) {
  const model* m = g->m;
  const graph_cluster* c = &g->clusters[cluster];
  char text[400], place[200], time[TEXT_SIZE], bytes[TEXT_SIZE];
  if (c->kernel != MODEL_NONE) {
    const model_kernel* k = &m->kernels[c->kernel];
    bool ran = k->end_ns != UINT64_MAX && k->begin_ns != UINT64_MAX;
    const char* name = model_string(m, k->name);
    snprintf(
        text,
        sizeof text,
        "%.60s · %s · %s not moved",
        *name ? name : "one kernel",
        ran ? text_ns(time, k->end_ns - k->begin_ns) : "not run",
        text_bytes(bytes, k->bytes_saved));
  } else {
    const model_eval* e = &m->evals[c->eval];
    summary_place_text(
        place, sizeof place, m, summary_place_of(m, e->stack), false);
    snprintf(
        text,
        sizeof text,
        "eval %llu · %s · %.60s · %s",
        (unsigned long long)e->id,
        text_trigger(e->trigger),
        place,
        text_ns(time, summary_eval_ns(m, c->eval)));
  }
  graph_clean(out, text);
  return out;
}

char* graph_place(char out[GRAPH_LINE], const graph* g, uint32_t vertex) {
  const model* m = g->m;
  const graph_vertex* v = &g->vertices[vertex];
  uint32_t stack = MODEL_NONE;
  char place[300];
  *out = 0;
  if (v->node != MODEL_NONE)
    stack = model_node_stack(m, v->node);
  else if (v->array != MODEL_NONE && m->arrays[v->array].buffer != MODEL_NONE)
    stack = m->buffers[m->arrays[v->array].buffer].stack;
  if (stack != MODEL_NONE)
    graph_clean(
        out,
        summary_place_text(
            place, sizeof place, m, summary_place_of(m, stack), false));
  return out;
}

bool graph_by_name(const char* name, graph_by* out) {
  static const char* const names[] = {"time", "bytes", "dtype"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(name, names[i])) {
      *out = (graph_by)i;
      return true;
    }
  return false;
}

/* From white over a warm yellow to orange. */
static uint32_t graph_heat(double share) {
  static const double stops[3][3] = {
      {255, 255, 255}, {255, 226, 138}, {250, 146, 88}};
  share = share < 0 ? 0 : share > 1 ? 1 : share;
  int i = share >= 0.5;
  double t = share * 2 - i;
  uint32_t colour = 0;
  for (int c = 0; c < 3; c++)
    colour = colour << 8 |
             (uint32_t)(stops[i][c] + t * (stops[i + 1][c] - stops[i][c]) + .5);
  return colour;
}

/* In the order of mlx_dtype: whole numbers green to blue, wide ones stronger;
 * floats yellow to red, so that an accidental widening stands out. */
static const uint32_t graph_dtypes[] = {
    0xe8e8e8,
    0xdcf2d6,
    0xcdeccb,
    0xb9e4c4,
    0x9fd9bd,
    0xd5eef2,
    0xc0e2f0,
    0xa9d3ee,
    0x8fbfe8,
    0xfdf3c2,
    0xfcd9a4,
    0xf5a58c,
    0xfae7a0,
    0xe5c6ee};

uint32_t graph_colour(const graph* g, uint32_t vertex, graph_by by) {
  const graph_vertex* v = &g->vertices[vertex];
  if (v->never) return 0xffffff;
  /* The optimiser took it away: it cost nothing. */
  if (v->kind == GRAPH_NODE && g->m->nodes[v->node].rewrite &&
      g->m->nodes[v->node].kernel == MODEL_NONE)
    return 0xeceff3;
  if (by == GRAPH_BY_DTYPE) {
    uint8_t dtype = v->array == MODEL_NONE ? TEXT_DTYPE_UNKNOWN
                                           : g->m->arrays[v->array].dtype;
    return dtype < sizeof graph_dtypes / sizeof *graph_dtypes
               ? graph_dtypes[dtype]
               : 0xffffff;
  }
  uint64_t most = by == GRAPH_BY_TIME ? g->most_ns : g->most_bytes;
  uint64_t own =
      by == GRAPH_BY_TIME ? graph_ns(g, vertex) : graph_bytes(g, vertex);
  return most ? graph_heat(sqrt((double)own / (double)most)) : 0xffffff;
}
