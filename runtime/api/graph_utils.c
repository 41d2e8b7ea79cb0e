/* Pictures of a graph of arrays, in MLX's formats. */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/namer.h"
#include "core/op.h"
#include "eval/eval.h"

/* ---- order --------------------------------------------------------------- */

/* Open addressing; ids are never 0. */
typedef struct id_set {
  uint64_t* ids;
  size_t count;
  size_t slots; /* a power of two */
} id_set;

static bool id_set_place(id_set* s, uint64_t id) {
  size_t mask = s->slots - 1, i = (id * 0x9E3779B97F4A7C15u >> 20) & mask;
  for (; s->ids[i]; i = (i + 1) & mask)
    if (s->ids[i] == id) return false;
  s->ids[i] = id;
  s->count++;
  return true;
}

/* 1: it is new, 0: it was there, -1: no memory. */
static int id_set_add(id_set* s, uint64_t id) {
  if (2 * (s->count + 1) > s->slots) {
    id_set larger = {NULL, 0, s->slots ? 2 * s->slots : 64};
    larger.ids = calloc(larger.slots, sizeof *larger.ids);
    if (!larger.ids) {
      error_memory();
      return -1;
    }
    for (size_t i = 0; i < s->slots; i++)
      if (s->ids[i]) id_set_place(&larger, s->ids[i]);
    free(s->ids);
    *s = larger;
  }
  return id_set_place(s, id);
}

static bool id_set_has(const id_set* s, uint64_t id) {
  if (!s->slots) return false;
  size_t mask = s->slots - 1, i = (id * 0x9E3779B97F4A7C15u >> 20) & mask;
  for (; s->ids[i]; i = (i + 1) & mask)
    if (s->ids[i] == id) return true;
  return false;
}

typedef struct graph_frame {
  lz_array* array;
  uint32_t next; /* input to visit */
} graph_frame;

typedef struct graph_walk {
  id_set seen;
  graph_frame* stack;
  size_t depth;
  size_t capacity;
  lz_array** order; /* borrowed: the graph lock is held */
  size_t count;
  size_t room;
} graph_walk;

/* An array is entered once, with its siblings. */
static int graph_enter(graph_walk* w, lz_array* a) {
  int added = id_set_add(&w->seen, a->id);
  if (added <= 0) return added < 0;
  for (uint32_t i = 0; a->node && i < a->node->n_outputs; i++)
    if (a->node->outputs[i] &&
        id_set_add(&w->seen, a->node->outputs[i]->id) < 0)
      return 1;
  if (w->depth == w->capacity) {
    size_t capacity = w->capacity ? 2 * w->capacity : 64;
    graph_frame* stack = realloc(w->stack, capacity * sizeof *stack);
    if (!stack) return error_memory() == NULL;
    w->stack = stack;
    w->capacity = capacity;
  }
  w->stack[w->depth++] = (graph_frame){a, 0};
  return 0;
}

static int graph_leave(graph_walk* w) {
  if (w->count == w->room) {
    size_t room = w->room ? 2 * w->room : 64;
    lz_array** order = realloc(w->order, room * sizeof *order);
    if (!order) return error_memory() == NULL;
    w->order = order;
    w->room = room;
  }
  w->order[w->count++] = w->stack[--w->depth].array;
  return 0;
}

/* Every array under the outputs, inputs before what uses them. */
static int graph_collect(graph_walk* w, const lz_list* outputs) {
  for (size_t i = 0; i < outputs->count; i++) {
    if (graph_enter(w, outputs->items[i])) return 1;
    while (w->depth) {
      graph_frame* f = &w->stack[w->depth - 1];
      lz_node* n = f->array->node;
      if (n && f->next < n->n_inputs) {
        if (graph_enter(w, n->inputs[f->next++])) return 1;
      } else if (graph_leave(w)) {
        return 1;
      }
    }
  }
  return 0;
}

static void graph_walk_clear(graph_walk* w) {
  free(w->seen.ids);
  free(w->stack);
  free(w->order);
}

/* ---- text ---------------------------------------------------------------- */

/* Keeps whether a name could not be made. */
typedef struct graph_out {
  FILE* file;
  lz_namer* namer;
  bool failed;
} graph_out;

static const char* graph_name(graph_out* o, const lz_array* a) {
  const char* name = namer_get(o->namer, a);
  if (!name) o->failed = true;
  return name ? name : "";
}

static void graph_array(graph_out* o, const lz_array* a) {
  fprintf(o->file, "%s [(", graph_name(o, a));
  for (int i = 0; i < a->ndim; i++)
    fprintf(o->file, i ? ",%d" : "%d", a->shape[i]);
  fprintf(o->file, "), %s]", dtype_name((lz_dtype)a->dtype));
}

static void graph_arrays(graph_out* o, lz_array* const* arrays, size_t n) {
  bool first = true;
  for (size_t i = 0; i < n; i++) {
    if (!arrays[i]) continue; /* an output that nobody holds */
    if (!first) fputs(", ", o->file);
    graph_array(o, arrays[i]);
    first = false;
  }
}

static void graph_print(
    graph_out* o, const graph_walk* w, const lz_list* outputs) {
  bool first = true;
  fputs("Inputs: ", o->file);
  for (size_t i = 0; i < w->count; i++) {
    if (w->order[i]->node) continue;
    if (!first) fputs(", ", o->file);
    graph_array(o, w->order[i]);
    first = false;
  }
  fputs("\nOutputs: ", o->file);
  graph_arrays(o, outputs->items, outputs->count);
  fputc('\n', o->file);
  for (size_t i = 0; i < w->count; i++) {
    const lz_node* n = w->order[i]->node;
    if (!n) continue;
    fprintf(o->file, "%s ", n->op->name);
    graph_arrays(o, n->inputs, n->n_inputs);
    fputs(" -> ", o->file);
    graph_arrays(o, n->outputs, n->n_outputs);
    fputc('\n', o->file);
  }
}

/* Inside quotes of DOT. */
static void graph_quoted(graph_out* o, const lz_array* a) {
  fputc('"', o->file);
  for (const char* c = graph_name(o, a); *c; c++) {
    if (*c == '"' || *c == '\\') fputc('\\', o->file);
    fputc(*c, o->file);
  }
  fputc('"', o->file);
}

/* A node of the graph is a box with a number; arrays are ellipses between. */
static void graph_dot(
    graph_out* o, const graph_walk* w, const id_set* intermediate) {
  fputs("digraph {\n", o->file);
  for (size_t i = 0; i < w->count; i++) {
    const lz_array* a = w->order[i];
    const lz_node* n = a->node;
    if (!n) {
      fputs("{ rank=source; ", o->file);
      graph_quoted(o, a);
      fputs("; }\n", o->file);
      continue;
    }
    fprintf(
        o->file,
        "{ %zu [label =\"%s\", shape=rectangle]; }\n",
        i + 1,
        n->op->name);
    for (uint32_t k = 0; k < n->n_inputs; k++) {
      graph_quoted(o, n->inputs[k]);
      fprintf(o->file, " -> %zu\n", i + 1);
    }
    for (uint32_t k = 0; k < n->n_outputs; k++) {
      const lz_array* out = n->outputs[k];
      if (!out) continue;
      fputs("{ ", o->file);
      if (!id_set_has(intermediate, out->id)) fputs("rank=sink; ", o->file);
      graph_quoted(o, out);
      fprintf(o->file, "; }\n%zu -> ", i + 1);
      graph_quoted(o, out);
      fputc('\n', o->file);
    }
  }
  fputc('}', o->file);
}

/* The text is made under the graph lock, in memory: the program's file may be
 * anything, and is written afterwards. Names made on the way stay here. */
static int graph_text(
    char** text, const lz_namer* namer, const lz_list* outputs, bool dot) {
  lz_namer names;
  graph_walk w = {0};
  id_set intermediate = {0};
  size_t size;
  if (map_copy(&names.names, &namer->names)) return 1;
  FILE* file = open_memstream(text, &size);
  if (!file) {
    map_clear(&names.names);
    return error_memory() == NULL;
  }
  graph_out o = {file, &names, false};
  eval_graph_lock();
  int failed = graph_collect(&w, outputs);
  for (size_t i = 0; dot && !failed && i < w.count; i++) {
    const lz_node* n = w.order[i]->node;
    for (uint32_t k = 0; n && !failed && k < n->n_inputs; k++)
      failed = id_set_add(&intermediate, n->inputs[k]->id) < 0;
  }
  if (!failed && dot) graph_dot(&o, &w, &intermediate);
  if (!failed && !dot) graph_print(&o, &w, outputs);
  eval_graph_unlock();
  if (fclose(file)) failed = error_memory() == NULL;
  graph_walk_clear(&w);
  free(intermediate.ids);
  map_clear(&names.names);
  return failed || o.failed;
}

static int graph_write(
    FILE* os,
    mlx_node_namer namer,
    mlx_vector_array outputs,
    bool dot,
    const char* name) {
  API_OP(name);
  const lz_list* v = api_list(outputs, "outputs");
  char* text = NULL;
  int failed = !v || api_pointer(os, "os") || api_pointer(namer.ctx, "namer") ||
               graph_text(&text, namer.ctx, v, dot);
  if (!failed && fputs(text, os) < 0)
    failed = error_fail("[%s] argument os: the file cannot be written", name);
  free(text);
  return api_status(failed);
}

int mlx_export_to_dot(
    FILE* os, const mlx_node_namer namer, const mlx_vector_array outputs) {
  return graph_write(os, namer, outputs, true, "export_to_dot");
}

int mlx_print_graph(
    FILE* os, const mlx_node_namer namer, const mlx_vector_array outputs) {
  return graph_write(os, namer, outputs, false, "print_graph");
}
