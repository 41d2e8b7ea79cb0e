/* Definitions: the process, its threads and modules, strings, stacks. */
#include <stdio.h>

#include "load.h"

uint64_t load_time(loader* l, uint64_t ns) {
  uint64_t t = ns > l->info.origin_ns ? ns - l->info.origin_ns : 0;
  if (t > l->last_ns) l->last_ns = t;
  return t;
}

uint32_t load_bytes(loader* l, trace_text text) {
  return intern_bytes(&l->strings, text.bytes, text.length);
}

uint32_t load_string_row(const loader* l, uint32_t id) {
  uint32_t row = id ? ids_get(&l->string_ids, id) : 0;
  return row == UINT32_MAX ? 0 : row;
}

uint32_t load_stack_row(const loader* l, uint32_t id) {
  return id ? ids_get(&l->stack_ids, id) : MODEL_NONE;
}

uint32_t load_thread_row(loader* l, uint32_t origin) {
  if (origin > UINT32_C(1) << 20) origin = 0;
  while (l->threads.n <= origin) {
    if (!VEC_PUSH(l->threads) || !VEC_ADD(l->open_regions, MODEL_NONE))
      return MODEL_NONE;
  }
  return origin;
}

/* Words that a POSIX shell would take for the same arguments. */
static uint32_t load_quoted(loader* l, trace_text arguments) {
  size_t room = (size_t)arguments.length * 4 + 3, n = 0;
  char* out = malloc(room);
  if (!out) return 0;
  const char* plain = "@%+=:,./-_";
  const char* p = arguments.bytes;
  const char* end = p + arguments.length;
  while (p < end) {
    const char* stop = memchr(p, 0, (size_t)(end - p));
    if (!stop) stop = end;
    bool quote = stop == p;
    for (const char* c = p; c < stop && !quote; c++)
      quote =
          !((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
            (*c >= '0' && *c <= '9') || strchr(plain, *c));
    if (n + (size_t)(stop - p) * 4 + 4 > room) {
      room = (n + (size_t)(stop - p) * 4 + 4) * 2;
      char* grown = realloc(out, room);
      if (!grown) break;
      out = grown;
    }
    if (n) out[n++] = ' ';
    if (quote) out[n++] = '\'';
    for (const char* c = p; c < stop; c++) {
      if (*c == '\'') {
        memcpy(out + n, "'\\''", 4);
        n += 4;
      } else {
        out[n++] = *c;
      }
    }
    if (quote) out[n++] = '\'';
    p = stop + 1;
  }
  uint32_t row = intern_bytes(&l->strings, out, n);
  free(out);
  return row;
}

bool load_process(loader* l, const trace_event* e) {
  l->info.pid = e->process.pid;
  l->info.realtime_ns = e->process.realtime_ns;
  l->info.executable = load_bytes(l, e->process.executable);
  l->info.arguments = load_quoted(l, e->process.arguments);
  l->info.directory = load_bytes(l, e->process.directory);
  return true;
}

bool load_string(loader* l, const trace_event* e) {
  return ids_put(&l->string_ids, e->string.id, load_bytes(l, e->string.text));
}

bool load_stack(loader* l, const trace_event* e) {
  const trace_ids frames = e->stack.frames;
  if (ids_get(&l->stack_ids, e->stack.id) != UINT32_MAX) return true;
  model_stack* stack = VEC_PUSH(l->stacks);
  load_raw_stack* raw = VEC_PUSH(l->raw_stacks);
  if (!stack || !raw || !VEC_ROOM(l->raw_frames, frames.count)) return false;
  raw->first = l->raw_frames.n;
  raw->count = frames.count;
  raw->modules = l->mappings.n;
  if (frames.count)
    memcpy(
        l->raw_frames.at + raw->first,
        frames.ids,
        frames.count * sizeof *frames.ids);
  l->raw_frames.n += frames.count;
  stack->site = MODEL_NONE;
  return ids_put(&l->stack_ids, e->stack.id, l->stacks.n - 1);
}

bool load_module(loader* l, const trace_event* e) {
  load_mapping* m = VEC_PUSH(l->mappings);
  if (!m) return false;
  m->base = e->module.base;
  m->begin = e->module.begin;
  m->end = e->module.end;
  m->path = load_bytes(l, e->module.path);
  m->build_id = load_bytes(l, e->module.build_id);
  return true;
}

bool load_location(loader* l, const trace_event* e) {
  model_frame* f = VEC_PUSH(l->locations);
  if (!f) return false;
  f->function = load_string_row(l, e->location.function);
  f->file = load_string_row(l, e->location.file);
  f->line = e->location.line;
  return ids_put(&l->location_ids, e->location.id, l->locations.n - 1);
}

bool load_symbol(loader* l, const trace_event* e) {
  load_named* s = VEC_PUSH(l->named);
  if (!s) return false;
  s->address = e->symbol.address;
  s->frame.function = load_bytes(l, e->symbol.function);
  s->frame.file = load_bytes(l, e->symbol.file);
  s->frame.line = e->symbol.line;
  return e->symbol.depth ||
         ids_put(&l->named_ids, e->symbol.address, l->named.n - 1);
}

bool load_thread(loader* l, const trace_event* e) {
  uint32_t row = load_thread_row(l, e->origin);
  if (row == MODEL_NONE) return false;
  l->threads.at[row].tid = e->thread.tid;
  l->threads.at[row].name = load_bytes(l, e->thread.name);
  return true;
}

bool load_stream(loader* l, const trace_event* e) {
  model_stream* s = NULL;
  for (uint32_t i = 0; i < l->streams.n && !s; i++)
    if (l->streams.at[i].index == e->stream.stream) s = &l->streams.at[i];
  if (!s) s = VEC_PUSH(l->streams);
  if (!s) return false;
  s->index = e->stream.stream;
  s->device = e->stream.device;
  s->name = load_bytes(l, e->stream.name);
  return true;
}

/* "a" and "b" make "a, b". */
static uint32_t load_joined(loader* l, uint32_t a, const char* b) {
  const char* text = l->strings.at[a];
  if (!*text || strstr(text, b)) return *text ? a : intern_text(&l->strings, b);
  char joined[512];
  snprintf(joined, sizeof joined, "%s, %s", text, b);
  return intern_text(&l->strings, joined);
}

bool load_runtime(loader* l, const trace_event* e) {
  static const char* const kinds[] = {"a runtime", "Lazuli", "MLX"};
  const char* kind = kinds[e->runtime.kind < 3 ? e->runtime.kind : 0];
  const trace_text version = e->runtime.version;
  char text[256];
  snprintf(
      text,
      sizeof text,
      "%s%s%.*s",
      kind,
      version.length ? " " : "",
      (int)(version.length < 200 ? version.length : 200),
      version.length ? version.bytes : "");
  l->info.runtime = load_joined(l, l->info.runtime, text);
  uint32_t coverage = load_bytes(l, e->runtime.coverage);
  if (coverage)
    l->info.coverage =
        load_joined(l, l->info.coverage, l->strings.at[coverage]);
  return true;
}

bool load_note(loader* l, const trace_event* e) {
  model_note* n = VEC_PUSH(l->notes);
  if (!n) return false;
  n->time_ns = load_time(l, e->time);
  n->text = load_bytes(l, e->note.text);
  return true;
}

bool load_cost(loader* l, const trace_event* e) {
  uint32_t row = load_thread_row(l, e->origin);
  if (row == MODEL_NONE) return false;
  model_thread* t = &l->threads.at[row];
  t->events = e->cost.events;
  t->cost_ns = e->cost.ns;
  t->cost_stack_ns = e->cost.stack_ns;
  t->lost = e->cost.lost;
  return true;
}

bool load_finish(loader* l, const trace_event* e) {
  load_time(l, e->time);
  l->info.finished = e->finish.how != 255;
  l->info.status = e->finish.status;
  l->info.how = e->finish.how;
  return true;
}

bool load_gap(loader* l, const trace_event* e) {
  model_gap* g = VEC_PUSH(l->gaps);
  if (!g) return false;
  g->begin_ns = load_time(l, e->gap.begin_ns);
  g->end_ns = load_time(l, e->gap.end_ns);
  g->events = e->gap.events;
  return true;
}
