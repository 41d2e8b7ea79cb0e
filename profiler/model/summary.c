#include "summary.h"

#include <stdio.h>

#include "keys.h"
#include "lazuli/probe.h"
#include "text.h"
#include "vec.h"

/* A table under way: rows beside the keys that name them. */
typedef struct making {
  const model* m;
  summary* s;
#define TABLE(type, name) VEC(type) name;
  SUMMARY_TABLES(TABLE)
#undef TABLE
  keys keys;
} making;

/* The row of a key in a table: new ones are cleared. */
#define SUMMARY_ROW(w, table, key)                           \
  (__extension__({                                           \
    bool is_new_;                                            \
    uint32_t row_ = keys_row(&(w)->keys, (key), &is_new_);   \
    row_ == UINT32_MAX || (is_new_ && !VEC_PUSH((w)->table)) \
        ? NULL                                               \
        : &(w)->table.at[row_];                              \
  }))

summary_place summary_place_of(const model* m, uint32_t stack) {
  summary_place p = {0};
  const model_frame* f = model_site(m, stack);
  if (!f && stack < m->n_stacks && m->stacks[stack].count)
    f = &m->frames[m->stacks[stack].first];
  if (f) p = (summary_place){f->function, f->file, f->line, f->module};
  return p;
}

char* summary_place_text(
    char* out, size_t size, const model* m, summary_place p, bool full) {
  const char* file = model_string(m, p.file);
  const char* function = model_string(m, p.function);
  const char* module = text_base(model_string(m, p.module));
  if (*file && p.line)
    snprintf(out, size, "%s:%u", full ? file : text_base(file), p.line);
  else if (*module && *function && !strstr(function, "+0x"))
    snprintf(out, size, "%s (%s)", function, module);
  else
    snprintf(
        out,
        size,
        "%s",
        *function         ? function
        : *module         ? module
        : m->n_stacks > 0 ? "?"
                          : "");
  return out;
}

static void summary_key_place(keys_key* key, int at, summary_place p) {
  key->part[at] = p.function;
  key->part[at + 1] = p.file;
  key->part[at + 2] = p.line;
  key->part[at + 3] = p.module;
}

uint64_t summary_eval_ns(const model* m, uint32_t eval) {
  const model_eval* v = &m->evals[eval];
  uint64_t end = v->end_ns != UINT64_MAX    ? v->end_ns
                 : v->done_ns != UINT64_MAX ? v->done_ns
                                            : m->info.duration_ns;
  return end > v->begin_ns ? end - v->begin_ns : 0;
}

static bool summary_evals(making* w) {
  for (uint32_t i = 0; i < w->m->n_evals; i++) {
    const model_eval* v = &w->m->evals[i];
    keys_key key = {{v->trigger, v->is_async}};
    summary_place place = summary_place_of(w->m, v->stack);
    summary_key_place(&key, 2, place);
    summary_eval* row = SUMMARY_ROW(w, evals, &key);
    if (!row) return false;
    if (!row->count++) row->first = i;
    uint64_t ns = summary_eval_ns(w->m, i);
    row->place = place;
    row->trigger = v->trigger;
    row->is_async = v->is_async;
    row->total_ns += ns;
    row->max_ns = ns > row->max_ns ? ns : row->max_ns;
    row->plan_ns += v->plan_ns;
    row->nodes += v->nodes;
    row->kernels += v->kernels;
    row->cached += v->plan_cached;
    row->failed += v->failed;
    row->unfinished += v->end_ns == UINT64_MAX;
    w->s->eval_ns += ns;
  }
  return true;
}

static uint64_t summary_kernel_ns(const model_kernel* k) {
  return k->end_ns == UINT64_MAX || k->begin_ns == UINT64_MAX
             ? 0
             : k->end_ns - k->begin_ns;
}

/* What so many bytes take at the speed of a kernel. */
static uint64_t summary_moving_ns(const model_kernel* k, uint64_t bytes) {
  double moved = (double)k->bytes_read + (double)k->bytes_written;
  return moved > 0
             ? (uint64_t)((double)summary_kernel_ns(k) * ((double)bytes / moved))
             : 0;
}

static void summary_add_kernel(
    summary_kernel* row, const model_kernel* k, uint32_t index) {
  uint64_t ns = summary_kernel_ns(k);
  if (!row->count++) row->first = index;
  row->name = k->name;
  row->total_ns += ns;
  row->max_ns = ns > row->max_ns ? ns : row->max_ns;
  row->bytes_read += k->bytes_read;
  row->bytes_written += k->bytes_written;
  row->flops += k->flops;
  row->bytes_saved += k->bytes_saved;
  row->nodes += k->n_nodes;
}

static bool summary_kernels(making* w) {
  for (uint32_t i = 0; i < w->m->n_kernels; i++) {
    const model_kernel* k = &w->m->kernels[i];
    if (k->begin_ns == UINT64_MAX) continue;
    keys_key key = {{k->name}};
    summary_kernel* row = SUMMARY_ROW(w, kernels, &key);
    if (!row) return false;
    summary_add_kernel(row, k, i);
    row->array = MODEL_NONE;
    w->s->kernel_ns += summary_kernel_ns(k);
    w->s->bytes_saved += k->bytes_saved;
    w->s->fused += k->n_nodes > 1;
    w->s->ran++;
  }
  return true;
}

/* The first result of a kernel's last node, or MODEL_NONE. */
static uint32_t summary_result(const model* m, const model_kernel* k) {
  if (!k->n_nodes) return MODEL_NONE;
  const model_node* last =
      &m->nodes[m->kernel_nodes[k->first_node + k->n_nodes - 1]];
  return last->n_outputs ? last->first_output : MODEL_NONE;
}

static bool summary_shapes(making* w) {
  const model* m = w->m;
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* k = &m->kernels[i];
    if (k->begin_ns == UINT64_MAX) continue;
    uint32_t result = summary_result(m, k);
    keys_key key = {{k->name, UINT32_MAX}};
    if (result != MODEL_NONE) {
      const model_array* a = &m->arrays[result];
      key.part[1] = a->ndim;
      for (int d = 0; d < a->ndim && d + 2 < KEYS_WIDTH; d++)
        key.part[d + 2] = (uint32_t)m->dims[a->shape + (uint32_t)d];
    }
    summary_kernel* row = SUMMARY_ROW(w, shapes, &key);
    if (!row) return false;
    summary_add_kernel(row, k, i);
    row->array = result;
  }
  return true;
}

static bool summary_groups(making* w) {
  for (uint32_t i = 0; i < w->m->n_kernels; i++) {
    const model_kernel* k = &w->m->kernels[i];
    if (k->n_nodes < 2 || k->begin_ns == UINT64_MAX) continue;
    uint32_t last = w->m->kernel_nodes[k->first_node + k->n_nodes - 1];
    keys_key key = {{k->name, k->n_nodes}};
    summary_place place = summary_place_of(w->m, model_node_stack(w->m, last));
    summary_key_place(&key, 2, place);
    summary_group* row = SUMMARY_ROW(w, groups, &key);
    if (!row) return false;
    if (!row->count++) row->first = i;
    row->place = place;
    row->name = k->name;
    row->nodes = k->n_nodes;
    row->bytes_saved += k->bytes_saved;
    row->saved_ns += summary_moving_ns(k, k->bytes_saved);
    row->total_ns += summary_kernel_ns(k);
  }
  return true;
}

static bool summary_refusals(making* w) {
  const model* m = w->m;
  for (uint32_t i = 0; i < m->n_refusals; i++) {
    const model_refusal* r = &m->refusals[i];
    const model_node* from =
        r->producer == MODEL_NONE ? NULL : &m->nodes[r->producer];
    const model_node* to =
        r->consumer == MODEL_NONE ? NULL : &m->nodes[r->consumer];
    summary_place a = {0}, b = {0};
    keys_key key = {{r->reason}};
    if (from) {
      a = summary_place_of(m, model_node_stack(m, r->producer));
      key.part[1] = from->op;
    }
    if (to) {
      b = summary_place_of(m, model_node_stack(m, r->consumer));
      key.part[2] = to->op;
    }
    key.part[3] = a.file;
    key.part[4] = a.line;
    key.part[5] = a.function;
    key.part[6] = b.file;
    key.part[7] = b.line;
    key.part[8] = b.function;
    summary_refusal* row = SUMMARY_ROW(w, refusals, &key);
    if (!row) return false;
    if (!row->count++) {
      row->first = i;
      row->limit = r->limit;
      row->value = r->value;
    }
    row->producer = a;
    row->consumer = b;
    row->producer_op = key.part[1];
    row->consumer_op = key.part[2];
    row->reason = r->reason;
    row->bytes += r->bytes;
    w->s->bytes_refused += r->bytes;
    if (to && to->kernel != MODEL_NONE) {
      uint64_t ns = summary_moving_ns(&m->kernels[to->kernel], r->bytes);
      row->cost_ns += ns;
      w->s->refused_ns += ns;
    }
  }
  return true;
}

static bool summary_waits(making* w) {
  for (uint32_t i = 0; i < w->m->n_waits; i++) {
    const model_wait* from = &w->m->waits[i];
    keys_key key = {{from->reason}};
    summary_place place = {0};
    if (from->stack != MODEL_NONE) place = summary_place_of(w->m, from->stack);
    if (!place.line && from->eval != MODEL_NONE)
      place = summary_place_of(w->m, w->m->evals[from->eval].stack);
    summary_key_place(&key, 1, place);
    summary_wait* row = SUMMARY_ROW(w, waits, &key);
    if (!row) return false;
    uint64_t ns = from->end_ns - from->begin_ns;
    row->place = place;
    row->reason = from->reason;
    row->count++;
    row->total_ns += ns;
    row->max_ns = ns > row->max_ns ? ns : row->max_ns;
  }
  return true;
}

static bool summary_compiles(making* w) {
  for (uint32_t i = 0; i < w->m->n_compiles; i++) {
    const model_compile* c = &w->m->compiles[i];
    keys_key key = {{(uint32_t)c->function, (uint32_t)(c->function >> 32)}};
    summary_place place = summary_place_of(w->m, c->stack);
    summary_key_place(&key, 2, place);
    summary_compile* row = SUMMARY_ROW(w, compiles, &key);
    if (!row) return false;
    row->place = place;
    row->function = c->function;
    row->trace_ns += c->trace_ns;
    row->nodes += c->nodes;
    row->captured = c->captured > row->captured ? c->captured : row->captured;
    row->hits += c->hit;
    row->misses += !c->hit;
    row->changed |= c->hit ? 0 : c->changed;
    if (!c->hit) row->detail = c->detail;
  }
  return true;
}

static summary_blame* summary_blame_row(making* w, uint32_t stack) {
  keys_key key = {{0}};
  summary_place place = summary_place_of(w->m, stack);
  summary_key_place(&key, 0, place);
  summary_blame* row = SUMMARY_ROW(w, blame, &key);
  if (row) row->place = place;
  return row;
}

static bool summary_blames(making* w) {
  const model* m = w->m;
  summary_blame* row;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    if (!(row = summary_blame_row(w, model_node_stack(m, i)))) return false;
    row->nodes++;
  }
  for (uint32_t i = 0; i < m->n_evals; i++) {
    if (!(row = summary_blame_row(w, m->evals[i].stack))) return false;
    row->evals++;
  }
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* k = &m->kernels[i];
    uint64_t ns = summary_kernel_ns(k);
    uint64_t bytes = k->bytes_read + k->bytes_written;
    uint32_t eval =
        k->eval == MODEL_NONE ? MODEL_NONE : m->evals[k->eval].stack;
    if (!(row = summary_blame_row(w, eval))) return false;
    row->triggered_ns += ns;
    row->triggered_bytes += bytes;
    /* Shares add up to the whole: the last node takes what is left. */
    uint32_t n = k->n_nodes ? k->n_nodes : 1;
    for (uint32_t j = 0; j < n; j++) {
      uint32_t stack =
          k->n_nodes ? model_node_stack(m, m->kernel_nodes[k->first_node + j])
                     : MODEL_NONE;
      if (!(row = summary_blame_row(w, stack))) return false;
      row->built_ns += ns * (j + 1) / n - ns * j / n;
      row->built_bytes += bytes * (j + 1) / n - bytes * j / n;
    }
  }
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    const model_buffer* b = &m->buffers[i];
    uint32_t node =
        b->array == MODEL_NONE ? MODEL_NONE : m->arrays[b->array].node;
    row = summary_blame_row(
        w, node == MODEL_NONE ? b->stack : model_node_stack(m, node));
    if (!row) return false;
    row->built_alloc += b->size;
  }
  return true;
}

static int summary_by_begin(const void* a, const void* b) {
  const model_kernel* x = *(const model_kernel* const*)a;
  const model_kernel* y = *(const model_kernel* const*)b;
  if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
  return x < y ? -1 : x > y;
}

static bool summary_streams(making* w) {
  const model* m = w->m;
  const model_kernel** by = malloc(((size_t)m->n_kernels + 1) * sizeof *by);
  uint32_t n = 0;
  if (!by) return false;
  for (uint32_t i = 0; i < m->n_kernels; i++)
    if (m->kernels[i].begin_ns != UINT64_MAX &&
        m->kernels[i].end_ns != UINT64_MAX)
      by[n++] = &m->kernels[i];
  qsort(by, n, sizeof *by, summary_by_begin);
  bool fine = true;
  for (uint32_t i = 0; i < n && fine; i++) {
    keys_key key = {{by[i]->stream}};
    summary_stream* row = SUMMARY_ROW(w, streams, &key);
    fine = row != NULL;
    if (!fine) break;
    if (!row->kernels++) {
      row->index = by[i]->stream;
      row->begin_ns = row->end_ns = by[i]->begin_ns;
    }
    if (by[i]->begin_ns > row->end_ns) {
      uint64_t idle = by[i]->begin_ns - row->end_ns;
      row->idle_ns = idle > row->idle_ns ? idle : row->idle_ns;
      row->end_ns = by[i]->begin_ns;
    }
    if (by[i]->end_ns > row->end_ns) {
      row->busy_ns += by[i]->end_ns - row->end_ns;
      row->end_ns = by[i]->end_ns;
    }
  }
  free(by);
  for (uint32_t i = 0; i < w->streams.n; i++)
    for (uint32_t k = 0; k < m->n_streams; k++)
      if (m->streams[k].index == w->streams.at[i].index) {
        w->streams.at[i].name = m->streams[k].name;
        w->streams.at[i].device = m->streams[k].device;
      }
  return fine;
}

static void summary_totals(making* w) {
  const model* m = w->m;
  for (uint32_t i = 0; i < m->n_donations; i++) {
    if (m->donations[i].result == LAZULI_DONATION_MADE)
      w->s->donations_made++;
    else
      w->s->donations_refused++;
  }
  for (uint32_t i = 0; i < m->n_threads; i++) {
    w->s->cost_ns += m->threads[i].cost_ns;
    w->s->cost_stack_ns += m->threads[i].cost_stack_ns;
    w->s->lost += m->threads[i].lost;
  }
  /* The file's own count: what threads said last may be among the lost. */
  if (m->info.lost > w->s->lost) w->s->lost = m->info.lost;
  for (uint32_t i = 0; i < m->n_buffers; i++) {
    uint64_t* count[] = {
        [LAZULI_MEMORY_SYSTEM] = &w->s->cache_misses,
        [LAZULI_MEMORY_CACHE] = &w->s->cache_hits,
        [LAZULI_MEMORY_EXTERNAL] = &w->s->external,
        [LAZULI_MEMORY_SMALL] = &w->s->small};
    if (m->buffers[i].source < sizeof count / sizeof *count)
      ++*count[m->buffers[i].source];
  }
}

/* Comparisons: the cost, largest first; then the order of first sight, which
 * qsort alone does not keep. */
static int summary_order(uint64_t a, uint64_t b, const void* x, const void* y) {
  if (a != b) return a < b ? 1 : -1;
  return x < y ? -1 : x > y;
}
#define SUMMARY_ORDER(type, cost)                         \
  static int type##_order(const void* a, const void* b) { \
    const type* x = *(const type* const*)a;               \
    const type* y = *(const type* const*)b;               \
    return summary_order(x->cost, y->cost, x, y);         \
  }
SUMMARY_ORDER(summary_eval, total_ns)
SUMMARY_ORDER(summary_kernel, total_ns)
SUMMARY_ORDER(summary_group, bytes_saved)
SUMMARY_ORDER(summary_refusal, bytes)
SUMMARY_ORDER(summary_wait, total_ns)
SUMMARY_ORDER(summary_compile, trace_ns)
SUMMARY_ORDER(summary_stream, busy_ns)

static uint64_t summary_blame_cost(const summary_blame* b) {
  return b->triggered_ns > b->built_ns ? b->triggered_ns : b->built_ns;
}
static int summary_blame_order(const void* a, const void* b) {
  const summary_blame* x = *(const summary_blame* const*)a;
  const summary_blame* y = *(const summary_blame* const*)b;
  return summary_order(summary_blame_cost(x), summary_blame_cost(y), x, y);
}

/* Sorts rows through pointers to them: the order of first sight is then the
 * order of addresses. */
static void* summary_sorted(
    void* rows,
    uint32_t n,
    size_t size,
    int (*order)(const void*, const void*)) {
  void** by = malloc(((size_t)n + 1) * sizeof *by);
  char* out = malloc(((size_t)n + 1) * size);
  for (uint32_t i = 0; i < n && by; i++) by[i] = (char*)rows + i * size;
  if (by && out) {
    qsort(by, n, sizeof *by, order);
    for (uint32_t i = 0; i < n; i++) memcpy(out + i * size, by[i], size);
    free(rows);
    rows = out;
  } else {
    free(out);
  }
  free(by);
  return rows;
}

summary* summary_new(const model* m) {
  static bool (*const steps[])(making*) = {
      summary_evals,
      summary_kernels,
      summary_shapes,
      summary_groups,
      summary_refusals,
      summary_waits,
      summary_compiles,
      summary_blames,
      summary_streams,
  };
  making w = {.m = m, .s = calloc(1, sizeof(summary))};
  bool fine = w.s != NULL;
  for (size_t i = 0; i < sizeof steps / sizeof *steps && fine; i++) {
    fine = steps[i](&w);
    keys_free(&w.keys);
  }
  if (fine) summary_totals(&w);
#define TABLE(type, name)                                                \
  if (fine) {                                                            \
    w.s->n_##name = w.name.n;                                            \
    w.s->name =                                                          \
        summary_sorted(w.name.at, w.name.n, sizeof(type), type##_order); \
  } else {                                                               \
    free(w.name.at);                                                     \
  }
  SUMMARY_TABLES(TABLE)
#undef TABLE
  if (!fine) {
    free(w.s);
    return NULL;
  }
  return w.s;
}

void summary_free(summary* s) {
  if (!s) return;
#define TABLE(type, name) free((void*)s->name);
  SUMMARY_TABLES(TABLE)
#undef TABLE
  free(s);
}
