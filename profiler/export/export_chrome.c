/* The trace event format that Perfetto and chrome://tracing read: the host's
 * threads as one process, the streams as another, memory as counters. */
#include <inttypes.h>
#include <stdlib.h>

#include "export.h"
#include "text.h"

enum { CHROME_HOST = 1, CHROME_STREAMS = 2 };

typedef struct chrome {
  FILE* out;
  const model* m;
  bool any;
} chrome;

static void chrome_key(chrome* c, const char* key, const char* text) {
  fprintf(c->out, ",\"%s\":", key);
  export_json_string(c->out, text);
}

/* Times are microseconds; to the nanosecond. */
static void chrome_time(chrome* c, const char* key, uint64_t ns) {
  fprintf(
      c->out,
      ",\"%s\":%" PRIu64 ".%03u",
      key,
      ns / 1000,
      (unsigned)(ns % 1000));
}

static void chrome_begin(
    chrome* c, char phase, uint32_t process, uint32_t thread) {
  fprintf(
      c->out,
      "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u",
      c->any ? "," : "",
      phase,
      process,
      thread);
  c->any = true;
}

static void chrome_name(
    chrome* c,
    const char* what,
    uint32_t process,
    uint32_t thread,
    const char* text) {
  chrome_begin(c, 'M', process, thread);
  chrome_key(c, "name", what);
  fputs(",\"args\":{\"name\":", c->out);
  export_json_string(c->out, text);
  fputs("}}", c->out);
}

static void chrome_span(
    chrome* c,
    uint32_t process,
    uint32_t thread,
    const char* category,
    const char* name,
    uint64_t begin,
    uint64_t end) {
  uint64_t last = c->m->info.duration_ns;
  if (end == UINT64_MAX) end = last > begin ? last : begin;
  chrome_begin(c, 'X', process, thread);
  chrome_key(c, "cat", category);
  chrome_key(c, "name", name);
  chrome_time(c, "ts", begin);
  chrome_time(c, "dur", end > begin ? end - begin : 0);
}

static void chrome_names(chrome* c) {
  const model* m = c->m;
  char text[128];
  chrome_name(
      c,
      "process_name",
      CHROME_HOST,
      0,
      text_base(model_string(m, m->info.executable)));
  chrome_name(c, "process_name", CHROME_STREAMS, 0, "streams");
  for (uint32_t i = 0; i < m->n_threads; i++) {
    const char* name = model_string(m, m->threads[i].name);
    snprintf(text, sizeof text, "thread %u", m->threads[i].tid);
    chrome_name(c, "thread_name", CHROME_HOST, i, *name ? name : text);
  }
  for (uint32_t i = 0; i < m->n_streams; i++) {
    const char* name = model_string(m, m->streams[i].name);
    snprintf(text, sizeof text, "stream %u", m->streams[i].index);
    chrome_name(
        c,
        "thread_name",
        CHROME_STREAMS,
        m->streams[i].index,
        *name ? name : text);
  }
}

static void chrome_evals(chrome* c) {
  const model* m = c->m;
  char name[300], place[260];
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* e = &m->evals[i];
    summary_place_text(
        place, sizeof place, m, summary_place_of(m, e->stack), true);
    snprintf(
        name, sizeof name, "%s %s", text_trigger(e->trigger), text_base(place));
    chrome_span(
        c, CHROME_HOST, e->thread, "eval", name, e->begin_ns, e->end_ns);
    fprintf(
        c->out,
        ",\"args\":{\"eval\":%" PRIu64
        ",\"nodes\":%u,\"kernels\":%u,\"async\":%s",
        e->id,
        e->nodes,
        e->kernels,
        e->is_async ? "true" : "false");
    chrome_key(c, "where", place);
    fputs("}}", c->out);
    chrome_begin(c, 's', CHROME_HOST, e->thread);
    chrome_time(c, "ts", e->begin_ns);
    fprintf(
        c->out,
        ",\"id\":%" PRIu64 ",\"name\":\"runs\",\"cat\":\"eval\"}",
        e->id);
  }
}

/* Kernels; an arrow leads from an evaluation to its first. */
static void chrome_kernels(chrome* c) {
  const model* m = c->m;
  bool* met = calloc((size_t)m->n_evals + 1, sizeof *met);
  char place[260];
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* k = &m->kernels[i];
    if (k->begin_ns == UINT64_MAX) continue;
    chrome_span(
        c,
        CHROME_STREAMS,
        k->stream,
        "kernel",
        model_string(m, k->name),
        k->begin_ns,
        k->end_ns);
    fprintf(
        c->out,
        ",\"args\":{\"nodes\":%u,\"bytes_read\":%" PRIu64
        ",\"bytes_written\":%" PRIu64 ",\"flops\":%" PRIu64
        ",\"bytes_saved\":%" PRIu64,
        k->n_nodes,
        k->bytes_read,
        k->bytes_written,
        k->flops,
        k->bytes_saved);
    if (k->n_nodes) {
      uint32_t last = m->kernel_nodes[k->first_node + k->n_nodes - 1];
      chrome_key(
          c,
          "built",
          summary_place_text(
              place,
              sizeof place,
              m,
              summary_place_of(m, model_node_stack(m, last)),
              true));
    }
    fputs("}}", c->out);
    if (met && k->eval != MODEL_NONE && !met[k->eval]) {
      met[k->eval] = true;
      chrome_begin(c, 'f', CHROME_STREAMS, k->stream);
      chrome_time(c, "ts", k->begin_ns);
      fprintf(
          c->out,
          ",\"bp\":\"e\",\"id\":%" PRIu64
          ",\"name\":\"runs\",\"cat\":\"eval\"}",
          m->evals[k->eval].id);
    }
  }
  free(met);
}

static void chrome_waits(chrome* c) {
  const model* m = c->m;
  char name[64];
  for (uint32_t i = 0; i < m->n_waits; i++) {
    const model_wait* w = &m->waits[i];
    snprintf(name, sizeof name, "wait: %s", text_wait(w->reason));
    chrome_span(
        c, CHROME_HOST, w->thread, "wait", name, w->begin_ns, w->end_ns);
    fputc('}', c->out);
  }
}

static void chrome_regions(chrome* c) {
  const model* m = c->m;
  for (uint32_t i = 0; i < m->n_regions; i++) {
    const model_region* r = &m->regions[i];
    const char* name = model_string(m, r->name);
    if (r->begin_ns == r->end_ns) {
      chrome_begin(c, 'i', CHROME_HOST, r->thread);
      chrome_key(c, "name", name);
      chrome_time(c, "ts", r->begin_ns);
      fputs(",\"s\":\"t\"}", c->out);
    } else {
      chrome_span(
          c, CHROME_HOST, r->thread, "region", name, r->begin_ns, r->end_ns);
      fputc('}', c->out);
    }
  }
}

/* Spans in which a thread builds nodes, from the first to the last before the
 * thread evaluates: host time that no kernel shows. */
static void chrome_builds(chrome* c) {
  const model* m = c->m;
  uint32_t eval = 0, n = 0;
  uint64_t begin = 0, end = 0;
  char name[64], count[TEXT_SIZE];
  for (uint32_t i = 0; i <= m->n_nodes; i++) {
    const model_node* node = i < m->n_nodes ? &m->nodes[i] : NULL;
    bool cut = !node;
    for (;
         !cut && eval < m->n_evals && m->evals[eval].begin_ns <= node->time_ns;
         eval++)
      cut = true;
    cut |= node && n && node->thread != m->nodes[i - 1].thread;
    if (cut && n) {
      snprintf(name, sizeof name, "build %s nodes", text_count(count, n));
      chrome_span(
          c, CHROME_HOST, m->nodes[i - 1].thread, "build", name, begin, end);
      fputc('}', c->out);
      n = 0;
    }
    if (!node) break;
    if (!n++) begin = node->time_ns;
    end = node->time_ns;
  }
}

static void chrome_memory(chrome* c) {
  const model* m = c->m;
  for (uint32_t i = 0; i < m->n_memory; i++) {
    chrome_begin(c, 'C', CHROME_HOST, 0);
    chrome_time(c, "ts", m->memory[i].time_ns);
    fprintf(
        c->out,
        ",\"name\":\"memory\",\"args\":{\"active\":%" PRIu64
        ",\"cache\":%" PRIu64 "}}",
        m->memory[i].active,
        m->memory[i].cache);
  }
}

int export_chrome(const export_job* job) {
  chrome c = {.out = export_open(job), .m = job->m};
  if (!c.out) return 1;
  fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", c.out);
  chrome_names(&c);
  chrome_builds(&c);
  chrome_evals(&c);
  chrome_waits(&c);
  chrome_regions(&c);
  chrome_kernels(&c);
  chrome_memory(&c);
  fputs("\n]}\n", c.out);
  return export_close(job, c.out);
}
