#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers.h"
#include "load.h"

typedef bool (*load_handler)(loader* l, const trace_event* e);
static const load_handler load_handlers[] = {
#define HANDLER(event) [TRACE_EVENT_##event] = load_##event,
#include "load.def"
#undef HANDLER
};
#define N_HANDLERS (sizeof load_handlers / sizeof *load_handlers)

/* What the maps of a load held; not needed once all rows are known. */
static void load_drop_ids(loader* l) {
  ids_free(&l->string_ids);
  ids_free(&l->stack_ids);
  ids_free(&l->location_ids);
  ids_free(&l->named_ids);
  ids_free(&l->array_ids);
  ids_free(&l->eval_ids);
  ids_free(&l->kernel_ids);
  ids_free(&l->buffer_ids);
  free(l->raw_stacks.at);
  free(l->raw_frames.at);
  free(l->mappings.at);
  free(l->locations.at);
  free(l->named.at);
  free(l->moved.at);
  free(l->open_regions.at);
  free(l->region_parents.at);
  l->raw_stacks.at = NULL;
  l->raw_frames.at = NULL;
  l->mappings.at = NULL;
  l->locations.at = NULL;
  l->named.at = NULL;
  l->moved.at = NULL;
  l->open_regions.at = NULL;
  l->region_parents.at = NULL;
}

void model_free(model* m) {
  if (!m) return;
  loader* l = &((store*)m)->backing;
  load_drop_ids(l);
#define TABLE(type, name) free(l->name.at);
  LOAD_TABLES(TABLE)
#undef TABLE
  free(l->consumer_first);
  free(l->consumers);
  free(l->sharer_first);
  free(l->sharers);
  intern_free(&l->strings);
  free(m);
}

const char* model_string(const model* m, uint32_t string) {
  const intern* s = &((const store*)m)->backing.strings;
  return string < s->n ? s->at[string] : "";
}

bool model_tells(const model* m, const char* event) {
  const size_t length = strlen(event);
  for (const char* at = model_string(m, m->info.coverage); *at;) {
    const size_t n = strcspn(at, ", ");
    if (n == length && strncmp(at, event, n) == 0) return false;
    at += n + strspn(at + n, ", ");
  }
  return true;
}

const model_frame* model_site(const model* m, uint32_t stack) {
  if (stack >= m->n_stacks || m->stacks[stack].site == MODEL_NONE) return NULL;
  return &m->frames[m->stacks[stack].site];
}

uint32_t model_node_stack(const model* m, uint32_t node) {
  const model_node* n = &m->nodes[node];
  if (n->of != MODEL_NONE && m->nodes[n->of].stack != MODEL_NONE)
    return m->nodes[n->of].stack;
  return n->stack;
}

const uint32_t* model_consumers(
    const model* m, uint32_t array, uint32_t* count) {
  const loader* l = &((const store*)m)->backing;
  if (array >= m->n_arrays) {
    *count = 0;
    return NULL;
  }
  *count = l->consumer_first[array + 1] - l->consumer_first[array];
  return l->consumers + l->consumer_first[array];
}

const uint32_t* model_sharers(
    const model* m, uint32_t buffer, uint32_t* count) {
  const loader* l = &((const store*)m)->backing;
  if (buffer >= m->n_buffers) {
    *count = 0;
    return NULL;
  }
  *count = l->sharer_first[buffer + 1] - l->sharer_first[buffer];
  return l->sharers + l->sharer_first[buffer];
}

/* 0 done, 1 no memory, 2 cancelled. */
static int load_events(
    loader* l, trace_reader* reader, const model_load_options* options) {
  trace_event e;
  int more;
  while ((more = trace_reader_next(reader, &e)) > 0) {
    if (!l->has_origin && e.time) {
      l->has_origin = true;
      l->info.origin_ns = e.time;
    }
    if (e.kind < N_HANDLERS && load_handlers[e.kind])
      if (!load_handlers[e.kind](l, &e)) return 1;
    if ((++l->info.events & 0xffff) == 0 && options && options->progress)
      if (options->progress(trace_reader_progress(reader), options->user))
        return 2;
  }
  if (more < 0)
    l->info.damage = intern_text(&l->strings, trace_reader_error(reader));
  return 0;
}

/* Whether a process of this machine still has the file mapped to write. */
static bool load_is_running(uint32_t pid, const char* path) {
  char name[32], *line = NULL, *real = realpath(path, NULL);
  size_t room = 0, length = real ? strlen(real) : 0;
  bool found = false;
  snprintf(name, sizeof name, "/proc/%u/maps", pid);
  FILE* f = real ? fopen(name, "re") : NULL;
  for (ssize_t n; f && !found && (n = getline(&line, &room, f)) > 0;)
    found = (size_t)n > length + 2 && line[n - 2 - (ssize_t)length] == ' ' &&
            memcmp(line + n - 1 - length, real, length) == 0;
  if (f) fclose(f);
  free(line);
  free(real);
  return found;
}

model* model_load(
    const char* path,
    const model_load_options* options,
    char* error,
    size_t error_size) {
  trace_reader* reader = trace_reader_open(path, error, error_size);
  if (!reader) return NULL;
  store* s = calloc(1, sizeof *s);
  loader* l = s ? &s->backing : NULL;
  int failed = !s || !intern_init(&l->strings);
  if (!failed) {
    l->info.status = UINT32_MAX;
    failed = load_events(l, reader, options);
  }
  trace_info info;
  trace_reader_info(reader, &info);
  trace_reader_close(reader);
  if (!failed)
    failed =
        !load_relate(l) || !symbols_resolve(l, options) || !helpers_step_out(l);
  if (failed) {
    snprintf(
        error,
        error_size,
        "%s: %s",
        path,
        failed == 2 ? "loading was cancelled" : "not enough memory to load it");
    if (s) model_free(&s->tables);
    return NULL;
  }
  l->info.truncated = info.truncated || l->info.damage;
  l->info.file_bytes = info.file_bytes;
  l->info.duration_ns = l->last_ns;
  l->info.lost = info.lost;
  /* Closed in order, with no room for the event that says how. */
  if (info.finished && !l->info.finished && info.lost) l->info.finished = true;
  l->info.running = !info.finished && load_is_running(l->info.pid, path);
  load_drop_ids(l);
  s->tables.info = l->info;
#define TABLE(type, name)      \
  s->tables.name = l->name.at; \
  s->tables.n_##name = l->name.n;
  LOAD_TABLES(TABLE)
#undef TABLE
  return &s->tables;
}
