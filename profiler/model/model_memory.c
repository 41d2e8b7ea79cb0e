/* What was alive at an instant. */
#include "keys.h"
#include "load.h"
#include "summary.h"

typedef struct alive_groups {
  keys keys; /* op and line */
  model_alive* at;
  uint32_t room;
} alive_groups;

static model_alive* alive_group(
    alive_groups* g, const model* m, uint32_t op, uint32_t stack) {
  bool is_new;
  summary_place p = summary_place_of(m, stack);
  keys_key key = {{op, p.file, p.line, p.function, p.module}};
  uint32_t row = keys_row(&g->keys, &key, &is_new);
  if (row == UINT32_MAX) return NULL;
  if (row >= g->room) {
    uint32_t room = g->room ? g->room * 2 : 64;
    model_alive* at = realloc(g->at, room * sizeof *at);
    if (!at) return NULL;
    g->at = at;
    g->room = room;
  }
  if (is_new)
    g->at[row] = (model_alive){
        .op = op, .stack = stack, .oldest_ns = UINT64_MAX, .array = MODEL_NONE};
  return &g->at[row];
}

static int alive_larger(const void* a, const void* b) {
  const model_alive *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return x->oldest_ns > y->oldest_ns ? 1 : x->oldest_ns < y->oldest_ns ? -1 : 0;
}

/* Who made a buffer: the node of its first array; else a node of the kernel
 * that asked for it; else whoever called the allocator. */
static void alive_maker(
    const model* m, const model_buffer* b, uint32_t* op, uint32_t* stack) {
  uint32_t node =
      b->array == MODEL_NONE ? MODEL_NONE : m->arrays[b->array].node;
  if (node == MODEL_NONE && b->kernel != MODEL_NONE) {
    const model_kernel* k = &m->kernels[b->kernel];
    if (k->n_nodes) node = m->kernel_nodes[k->first_node + k->n_nodes - 1];
  }
  *op = node == MODEL_NONE ? 0 : m->nodes[node].op;
  *stack = node == MODEL_NONE ? b->stack : model_node_stack(m, node);
}

/* Whether a buffer's array says more of its group than `array` does: it is
 * larger, or as large and needed for longer. */
static bool alive_stands_for(
    const model* m, const model_buffer* b, uint32_t array) {
  if (array == MODEL_NONE || b->array == MODEL_NONE) return array == MODEL_NONE;
  const model_array *is = &m->arrays[b->array], *was = &m->arrays[array];
  if (is->bytes != was->bytes) return is->bytes > was->bytes;
  return was->buffer == MODEL_NONE ||
         b->died_ns > m->buffers[was->buffer].died_ns;
}

int model_memory_at(const model* m, uint64_t time_ns, model_peak* out) {
  memset(out, 0, sizeof *out);
  out->time_ns = time_ns;
  /* The last point not after the time. */
  uint32_t low = 0, high = m->n_memory;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (m->memory[middle].time_ns <= time_ns)
      low = middle + 1;
    else
      high = middle;
  }
  if (low) {
    out->active = m->memory[low - 1].active;
    out->cache = m->memory[low - 1].cache;
  }
  alive_groups g = {0};
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    const model_buffer* b = &m->buffers[i];
    if (b->born_ns > time_ns || b->died_ns <= time_ns) continue;
    uint32_t op, stack;
    alive_maker(m, b, &op, &stack);
    model_alive* a = alive_group(&g, m, op, stack);
    if (!a) {
      free(g.at);
      keys_free(&g.keys);
      return 1;
    }
    if (alive_stands_for(m, b, a->array)) a->array = b->array;
    a->buffers++;
    a->bytes += b->size;
    if (b->born_ns < a->oldest_ns) a->oldest_ns = b->born_ns;
  }
  out->alive = g.at;
  out->n_alive = g.keys.n;
  keys_free(&g.keys);
  if (out->n_alive)
    qsort(out->alive, out->n_alive, sizeof *out->alive, alive_larger);
  return 0;
}

int model_memory_peak(const model* m, model_peak* out) {
  uint32_t peak = 0;
  for (uint32_t i = 1; i < m->n_memory; i++)
    if (m->memory[i].active > m->memory[peak].active) peak = i;
  int failed =
      model_memory_at(m, m->n_memory ? m->memory[peak].time_ns : 0, out);
  if (!failed && m->n_memory) {
    /* The clock may not tell the peak from what came right after. */
    out->active = m->memory[peak].active;
    out->cache = m->memory[peak].cache;
  }
  return failed;
}

void model_peak_free(model_peak* p) {
  if (p) free(p->alive);
}
