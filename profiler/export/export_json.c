#include "export_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

#include "text.h"
#include "why.h"

/* cJSON keeps numbers as doubles; ids and times are whole 64-bit numbers. */
static void json_u64(cJSON* object, const char* key, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%" PRIu64, value);
  cJSON_AddRawToObject(object, key, digits);
}

/* UINT64_MAX stands for "never": null. */
static void json_time(cJSON* object, const char* key, uint64_t ns) {
  if (ns == UINT64_MAX)
    cJSON_AddNullToObject(object, key);
  else
    json_u64(object, key, ns);
}

static void json_string(
    cJSON* object, const char* key, const model* m, uint32_t string) {
  char room[1024];
  cJSON_AddStringToObject(
      object, key, text_utf8(room, sizeof room, model_string(m, string)));
}

static void json_append(cJSON* list, const model* m, uint32_t string) {
  char room[1024];
  cJSON_AddItemToArray(
      list,
      cJSON_CreateString(
          text_utf8(room, sizeof room, model_string(m, string))));
}

static void json_place(cJSON* object, const model* m, summary_place p) {
  json_string(object, "file", m, p.file);
  json_u64(object, "line", p.line);
  json_string(object, "function", m, p.function);
  json_string(object, "module", m, p.module);
}

static cJSON* json_item(cJSON* list) {
  cJSON* item = cJSON_CreateObject();
  cJSON_AddItemToArray(list, item);
  return item;
}

static void json_process(cJSON* root, const model* m, const summary* s) {
  cJSON* o = cJSON_AddObjectToObject(root, "process");
  json_string(o, "executable", m, m->info.executable);
  json_string(o, "arguments", m, m->info.arguments);
  json_string(o, "directory", m, m->info.directory);
  json_string(o, "runtime", m, m->info.runtime);
  json_string(o, "not_covered", m, m->info.coverage);
  json_u64(o, "pid", m->info.pid);
  json_u64(o, "duration_ns", m->info.duration_ns);
  json_u64(o, "realtime_ns", m->info.realtime_ns);
  cJSON_AddBoolToObject(o, "finished", m->info.finished);
  char end[TEXT_SIZE];
  cJSON_AddStringToObject(o, "end", text_end(end, &m->info));
  cJSON_AddBoolToObject(o, "truncated", m->info.truncated);
  if (m->info.status == UINT32_MAX)
    cJSON_AddNullToObject(o, "status");
  else
    json_u64(o, "status", m->info.status);
  cJSON* recording = cJSON_AddObjectToObject(root, "recording");
  json_u64(recording, "events", m->info.events);
  json_u64(recording, "lost", s->lost);
  json_u64(recording, "cost_ns", s->cost_ns);
  json_u64(recording, "cost_stack_ns", s->cost_stack_ns);
  json_u64(recording, "file_bytes", m->info.file_bytes);
  json_u64(recording, "gaps", m->n_gaps);
  json_string(recording, "damage", m, m->info.damage);
}

static void json_evals(cJSON* root, const model* m) {
  cJSON* list = cJSON_AddArrayToObject(root, "evals");
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* v = &m->evals[i];
    cJSON* o = json_item(list);
    json_u64(o, "id", v->id);
    cJSON_AddStringToObject(o, "trigger", text_trigger(v->trigger));
    json_place(o, m, summary_place_of(m, v->stack));
    cJSON_AddBoolToObject(o, "async", v->is_async);
    json_u64(o, "outputs", v->n_outputs);
    json_u64(o, "nodes", v->nodes);
    json_u64(o, "kernels", v->kernels);
    json_u64(o, "begin_ns", v->begin_ns);
    json_time(o, "end_ns", v->end_ns);
    json_time(o, "done_ns", v->done_ns);
    json_u64(o, "plan_ns", v->plan_ns);
    cJSON_AddBoolToObject(o, "plan_cached", v->plan_cached);
    cJSON_AddBoolToObject(o, "failed", v->failed);
  }
}

static void json_kernels(cJSON* root, const model* m, const summary* s) {
  cJSON* list = cJSON_AddArrayToObject(root, "kernels");
  for (uint32_t i = 0; i < s->n_kernels; i++) {
    const summary_kernel* k = &s->kernels[i];
    cJSON* o = json_item(list);
    json_string(o, "name", m, k->name);
    json_u64(o, "count", k->count);
    json_u64(o, "nodes", k->nodes);
    json_u64(o, "total_ns", k->total_ns);
    json_u64(o, "max_ns", k->max_ns);
    json_u64(o, "bytes_read", k->bytes_read);
    json_u64(o, "bytes_written", k->bytes_written);
    json_u64(o, "flops", k->flops);
    json_u64(o, "bytes_saved", k->bytes_saved);
  }
}

static void json_shape(cJSON* o, const model* m, uint32_t array) {
  if (array == MODEL_NONE) return;
  const model_array* a = &m->arrays[array];
  cJSON* shape = cJSON_AddArrayToObject(o, "shape");
  for (uint32_t d = 0; d < a->ndim; d++)
    cJSON_AddItemToArray(shape, cJSON_CreateNumber(m->dims[a->shape + d]));
  cJSON_AddStringToObject(o, "dtype", text_dtype(a->dtype));
}

static int json_memory(cJSON* root, const model* m, const summary* s) {
  cJSON* o = cJSON_AddObjectToObject(root, "memory");
  model_peak peak;
  if (model_memory_peak(m, &peak)) return 1;
  json_u64(o, "peak_bytes", peak.active);
  json_u64(o, "peak_ns", peak.time_ns);
  json_u64(o, "peak_cache_bytes", peak.cache);
  json_u64(o, "held_bytes", why_held_bytes(m, peak.time_ns));
  json_u64(o, "allocations", m->n_buffers);
  json_u64(o, "cache_hits", s->cache_hits);
  json_u64(o, "cache_misses", s->cache_misses);
  json_u64(o, "donations_made", s->donations_made);
  json_u64(o, "donations_refused", s->donations_refused);
  cJSON* list = cJSON_AddArrayToObject(o, "at_peak");
  for (uint32_t i = 0; i < peak.n_alive; i++) {
    const model_alive* a = &peak.alive[i];
    cJSON* item = json_item(list);
    char reason[512];
    json_string(item, "op", m, a->op);
    json_place(item, m, summary_place_of(m, a->stack));
    json_u64(item, "bytes", a->bytes);
    json_u64(item, "buffers", a->buffers);
    json_u64(item, "age_ns", peak.time_ns - a->oldest_ns);
    json_shape(item, m, a->array);
    if (i < 64) /* each answer looks at all arrays */
    {
      char room[512];
      why_text(reason, sizeof reason, m, why_alive(m, a->array, peak.time_ns));
      cJSON_AddStringToObject(
          item, "why_alive", text_utf8(room, sizeof room, reason));
    }
  }
  model_peak_free(&peak);
  return 0;
}

static void json_fusion(cJSON* root, const model* m, const summary* s) {
  cJSON* o = cJSON_AddObjectToObject(root, "fusion");
  json_u64(o, "fused_kernels", s->fused);
  json_u64(o, "bytes_saved", s->bytes_saved);
  json_u64(o, "bytes_refused", s->bytes_refused);
  cJSON* groups = cJSON_AddArrayToObject(o, "groups");
  for (uint32_t i = 0; i < s->n_groups; i++) {
    const summary_group* g = &s->groups[i];
    const model_kernel* k = &m->kernels[g->first];
    cJSON* item = json_item(groups);
    json_string(item, "kernel", m, g->name);
    json_u64(item, "count", g->count);
    json_u64(item, "nodes", g->nodes);
    cJSON* ops = cJSON_AddArrayToObject(item, "ops");
    for (uint32_t j = 0; j < k->n_nodes; j++) {
      uint32_t node = m->kernel_nodes[k->first_node + j];
      json_append(ops, m, m->nodes[node].op);
    }
    json_place(item, m, g->place);
    json_u64(item, "bytes_saved", g->bytes_saved);
    json_u64(item, "saved_ns", g->saved_ns);
    json_u64(item, "total_ns", g->total_ns);
  }
  cJSON* refusals = cJSON_AddArrayToObject(o, "refusals");
  for (uint32_t i = 0; i < s->n_refusals; i++) {
    const summary_refusal* r = &s->refusals[i];
    cJSON* item = json_item(refusals);
    cJSON_AddStringToObject(item, "reason", text_refusal(r->reason));
    cJSON_AddStringToObject(item, "why", text_refusal_why(r->reason));
    json_u64(item, "count", r->count);
    json_u64(item, "bytes", r->bytes);
    json_u64(item, "cost_ns", r->cost_ns);
    json_u64(item, "limit", r->limit);
    json_u64(item, "value", r->value);
    cJSON* from = cJSON_AddObjectToObject(item, "producer");
    json_string(from, "op", m, r->producer_op);
    json_place(from, m, r->producer);
    cJSON* to = cJSON_AddObjectToObject(item, "consumer");
    json_string(to, "op", m, r->consumer_op);
    json_place(to, m, r->consumer);
  }
}

static void json_streams(cJSON* root, const model* m, const summary* s) {
  cJSON* list = cJSON_AddArrayToObject(root, "streams");
  for (uint32_t i = 0; i < s->n_streams; i++) {
    const summary_stream* from = &s->streams[i];
    cJSON* o = json_item(list);
    json_u64(o, "stream", from->index);
    json_string(o, "name", m, from->name);
    cJSON_AddStringToObject(o, "device", from->device ? "gpu" : "cpu");
    json_u64(o, "kernels", from->kernels);
    json_u64(o, "busy_ns", from->busy_ns);
    json_u64(o, "begin_ns", from->begin_ns);
    json_u64(o, "end_ns", from->end_ns);
    json_u64(o, "longest_pause_ns", from->idle_ns);
  }
}

static void json_rewrites(cJSON* root, const model* m) {
  cJSON* o = cJSON_AddObjectToObject(root, "rewrites");
  uint32_t counts[256] = {0};
  for (uint32_t i = 0; i < m->n_nodes; i++) counts[m->nodes[i].rewrite]++;
  for (int i = 1; i < 256; i++)
    if (counts[i]) json_u64(o, text_rewrite((uint8_t)i), counts[i]);
}

static void json_waits(cJSON* root, const model* m, const summary* s) {
  cJSON* list = cJSON_AddArrayToObject(root, "waits");
  for (uint32_t i = 0; i < s->n_waits; i++) {
    const summary_wait* w = &s->waits[i];
    cJSON* o = json_item(list);
    cJSON_AddStringToObject(o, "reason", text_wait(w->reason));
    json_place(o, m, w->place);
    json_u64(o, "count", w->count);
    json_u64(o, "total_ns", w->total_ns);
    json_u64(o, "max_ns", w->max_ns);
  }
}

static void json_compiles(cJSON* root, const model* m, const summary* s) {
  cJSON* list = cJSON_AddArrayToObject(root, "compile");
  for (uint32_t i = 0; i < s->n_compiles; i++) {
    const summary_compile* c = &s->compiles[i];
    cJSON* o = json_item(list);
    json_place(o, m, c->place);
    json_u64(o, "hits", c->hits);
    json_u64(o, "misses", c->misses);
    json_u64(o, "changed", c->changed);
    json_string(o, "detail", m, c->detail);
    json_u64(o, "trace_ns", c->trace_ns);
    json_u64(o, "nodes", c->nodes);
    json_u64(o, "captured", c->captured);
  }
}

static void json_blame(cJSON* root, const model* m, const summary* s) {
  cJSON* list = cJSON_AddArrayToObject(root, "blame");
  for (uint32_t i = 0; i < s->n_blame; i++) {
    const summary_blame* b = &s->blame[i];
    cJSON* o = json_item(list);
    json_place(o, m, b->place);
    json_u64(o, "evals", b->evals);
    json_u64(o, "nodes", b->nodes);
    json_u64(o, "triggered_ns", b->triggered_ns);
    json_u64(o, "triggered_bytes", b->triggered_bytes);
    json_u64(o, "built_ns", b->built_ns);
    json_u64(o, "built_bytes", b->built_bytes);
    json_u64(o, "built_alloc_bytes", b->built_alloc);
  }
}

static void json_findings(cJSON* root, const model* m, const findings* found) {
  cJSON* list = cJSON_AddArrayToObject(root, "findings");
  for (uint32_t i = 0; i < found->n; i++) {
    const finding* f = &found->at[i];
    cJSON* o = json_item(list);
    cJSON_AddStringToObject(o, "id", f->rule->id);
    json_place(o, m, f->place);
    json_u64(o, "count", f->count);
    json_u64(o, "cost", f->cost_ns);
    json_u64(o, "cost_bytes", f->cost_bytes);
    cJSON_AddStringToObject(o, "title", f->rule->title);
    cJSON_AddStringToObject(o, "evidence", f->evidence);
    cJSON_AddStringToObject(o, "why", f->rule->why);
    cJSON_AddStringToObject(o, "fix", f->rule->fix);
  }
}

static void json_notes(cJSON* root, const model* m) {
  cJSON* list = cJSON_AddArrayToObject(root, "notes");
  for (uint32_t i = 0; i < m->n_notes; i++)
    json_append(list, m, m->notes[i].text);
}

int export_json(
    FILE* out, const model* m, const summary* s, const findings* found) {
  cJSON* root = cJSON_CreateObject();
  if (!root) return 1;
  json_process(root, m, s);
  json_evals(root, m);
  json_kernels(root, m, s);
  int failed = json_memory(root, m, s);
  json_fusion(root, m, s);
  json_rewrites(root, m);
  json_streams(root, m, s);
  json_waits(root, m, s);
  json_compiles(root, m, s);
  json_blame(root, m, s);
  json_findings(root, m, found);
  json_notes(root, m);
  char* text = failed ? NULL : cJSON_Print(root);
  cJSON_Delete(root);
  if (!text) return 1;
  failed = fputs(text, out) < 0 || fputc('\n', out) < 0;
  cJSON_free(text);
  return failed;
}
