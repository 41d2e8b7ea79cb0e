/* Memory, waits, compiled functions, and the program's own words. */
#include "load.h"

static bool load_point(
    loader* l, uint64_t time, uint64_t active, uint64_t cache) {
  model_memory* p = l->memory.n ? &l->memory.at[l->memory.n - 1] : NULL;
  if (p && p->time_ns > time)
    time = p->time_ns; /* threads' clocks may cross by a little */
  p = VEC_PUSH(l->memory);
  if (!p) return false;
  *p = (model_memory){time, active, cache};
  return true;
}

bool load_alloc(loader* l, const trace_event* e) {
  const trace_alloc* from = &e->alloc;
  uint64_t time = load_time(l, e->time);
  uint32_t old = ids_get(&l->buffer_ids, from->buffer);
  if (old != UINT32_MAX && l->buffers.at[old].died_ns == UINT64_MAX)
    l->buffers.at[old].died_ns = time; /* its free was lost */
  model_buffer* b = VEC_PUSH(l->buffers);
  if (!b || !ids_put(&l->buffer_ids, from->buffer, l->buffers.n - 1))
    return false;
  b->id = from->buffer;
  b->size = from->size;
  b->born_ns = time;
  b->died_ns = UINT64_MAX;
  b->kernel = load_kernel_row(l, from->kernel);
  b->stack = load_stack_row(l, from->stack);
  b->array = MODEL_NONE;
  b->source = from->source;
  return load_point(l, time, from->active, from->cache);
}

bool load_free(loader* l, const trace_event* e) {
  const trace_free* from = &e->free;
  uint64_t time = load_time(l, e->time);
  uint32_t row = ids_get(&l->buffer_ids, from->buffer);
  if (row != UINT32_MAX && l->buffers.at[row].died_ns == UINT64_MAX) {
    l->buffers.at[row].died_ns = time;
    l->buffers.at[row].target = from->target;
  }
  return load_point(l, time, from->active, from->cache);
}

bool load_cache(loader* l, const trace_event* e) {
  model_cache_event* c = VEC_PUSH(l->cache_events);
  if (!c) return false;
  c->time_ns = load_time(l, e->time);
  c->bytes = e->cache.bytes;
  c->blocks = e->cache.blocks;
  c->action = e->cache.action;
  uint64_t active = l->memory.n ? l->memory.at[l->memory.n - 1].active : 0;
  return load_point(l, c->time_ns, active, e->cache.cache);
}

bool load_bind(loader* l, const trace_event* e) {
  uint32_t row = load_array_row(l, e->bind.array);
  uint32_t base = load_array_row(l, e->bind.base);
  uint32_t buffer = ids_get(&l->buffer_ids, e->bind.buffer);
  if (row == MODEL_NONE) return !e->bind.array;
  model_array* a = &l->arrays.at[row];
  a->buffer = buffer;
  a->offset = e->bind.offset;
  a->base = base == row ? MODEL_NONE : base;
  if (buffer != UINT32_MAX && l->buffers.at[buffer].array == MODEL_NONE)
    l->buffers.at[buffer].array = row;
  return true;
}

bool load_donation(loader* l, const trace_event* e) {
  uint32_t input = load_array_row(l, e->donation.input);
  uint32_t output = load_array_row(l, e->donation.output);
  model_donation* d = VEC_PUSH(l->donations);
  if (!d) return false;
  d->time_ns = load_time(l, e->time);
  d->input = input;
  d->output = output;
  d->size = e->donation.size;
  d->result = e->donation.result;
  return true;
}

bool load_wait(loader* l, const trace_event* e) {
  uint32_t thread = load_thread_row(l, e->origin);
  model_wait* w = VEC_PUSH(l->waits);
  if (!w || thread == MODEL_NONE) return false;
  w->begin_ns = load_time(l, e->wait.begin_ns);
  w->end_ns = load_time(l, e->wait.end_ns);
  if (w->end_ns < w->begin_ns) w->end_ns = w->begin_ns;
  w->stream = e->wait.stream;
  w->eval = load_eval_row(l, e->wait.eval, w->begin_ns);
  w->thread = thread;
  w->reason = e->wait.reason;
  w->stack = load_stack_row(l, e->wait.stack);
  return true;
}

bool load_compile(loader* l, const trace_event* e) {
  const trace_compile* from = &e->compile;
  model_compile* c = VEC_PUSH(l->compiles);
  if (!c) return false;
  c->time_ns = load_time(l, e->time);
  c->function = from->function;
  c->trace_ns = from->trace_ns;
  c->detail = load_string_row(l, from->detail);
  c->changed = from->changed;
  c->nodes = from->nodes;
  c->captured = from->captured;
  c->stack = load_stack_row(l, from->stack);
  c->hit = from->hit;
  return true;
}

static model_region* load_region(
    loader* l, const trace_event* e, uint32_t name, uint32_t stack) {
  uint32_t thread = load_thread_row(l, e->origin);
  if (thread == MODEL_NONE || !VEC_ADD(l->region_parents, MODEL_NONE))
    return NULL;
  model_region* r = VEC_PUSH(l->regions);
  if (!r) return NULL;
  uint32_t parent = l->open_regions.at[thread];
  r->begin_ns = load_time(l, e->time);
  r->end_ns = UINT64_MAX;
  r->name = load_string_row(l, name);
  r->stack = load_stack_row(l, stack);
  r->thread = thread;
  r->depth = parent == MODEL_NONE ? 0 : l->regions.at[parent].depth + 1;
  l->region_parents.at[l->regions.n - 1] = parent;
  return r;
}

bool load_mark(loader* l, const trace_event* e) {
  model_region* r = load_region(l, e, e->mark.name, e->mark.stack);
  if (r) r->end_ns = r->begin_ns;
  return r != NULL;
}

bool load_region_begin(loader* l, const trace_event* e) {
  model_region* r =
      load_region(l, e, e->region_begin.name, e->region_begin.stack);
  if (r) l->open_regions.at[r->thread] = l->regions.n - 1;
  return r != NULL;
}

bool load_region_end(loader* l, const trace_event* e) {
  uint32_t thread = load_thread_row(l, e->origin);
  if (thread == MODEL_NONE) return false;
  uint32_t open = l->open_regions.at[thread];
  if (open == MODEL_NONE) return true; /* its beginning was not seen */
  l->regions.at[open].end_ns = load_time(l, e->time);
  l->open_regions.at[thread] = l->region_parents.at[open];
  return true;
}
