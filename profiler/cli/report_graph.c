/* Evaluations, kernels, fusion, compiled functions, blame. */
#include <stdlib.h>
#include <string.h>

#include "lazuli/probe.h"
#include "report.h"
#include "text.h"

#define N(columns) (int)(sizeof(columns) / sizeof *(columns))

static double report_share(uint64_t part, uint64_t whole) {
  return whole ? (double)part / (double)whole : 0;
}

static const char* report_function(const report* r, summary_place p) {
  return p.line ? model_string(r->m, p.function) : "";
}

/* "s" where a count is not one. */
static const char* report_s(uint64_t count) {
  return count == 1 ? "" : "s";
}

/* The longest of several, where the mean hides it: it took more than four
 * times as long as the others did, and a good part of the time. */
static char* report_longest(
    char out[TEXT_SIZE], uint64_t total, uint64_t longest, uint64_t count) {
  const bool hidden = count > 1 && longest > total / 4 &&
                      longest / 4 > (total - longest) / (count - 1);
  return hidden ? text_ns(out, longest) : strcpy(out, "");
}

/* A number of kernels; nothing where the runtime does not tell of them. */
static const char* report_kernel_count(
    char out[TEXT_SIZE], const report* r, uint64_t kernels) {
  return model_tells(r->m, "kernel-end") ? text_count(out, kernels) : "";
}

static void report_each_eval(const report* r) {
  static const term_column columns[] = {
      {"eval", true, false, TERM_PLAIN},
      {"begin", true, false, TERM_PLAIN},
      {"time", true, false, TERM_PLAIN},
      {"trigger", false, false, TERM_NAME},
      {"where", false, true, TERM_PLACE},
      {"function", false, true, TERM_PLAIN},
      {"outputs", true, false, TERM_PLAIN},
      {"nodes", true, false, TERM_PLAIN},
      {"kernels", true, false, TERM_PLAIN},
      {"", false, false, TERM_BAD},
  };
  term_table* t = term_table_new(columns, N(columns));
  for (uint32_t i = 0; i < r->m->n_evals; i++) {
    const model_eval* v = &r->m->evals[i];
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
    char place[REPORT_PLACE];
    summary_place p = summary_place_of(r->m, v->stack);
    term_table_cell(t, "%llu", (unsigned long long)v->id);
    term_table_cell(t, "%s", text_ns(a, v->begin_ns));
    term_table_cell(t, "%s", text_ns(b, summary_eval_ns(r->m, i)));
    term_table_cell(t, "%s", text_trigger(v->trigger));
    term_table_cell(t, "%s", report_place(place, r, p));
    term_table_cell(t, "%s", report_function(r, p));
    term_table_cell(t, "%u", v->n_outputs);
    term_table_cell(t, "%s", text_count(c, v->nodes));
    term_table_cell(t, "%s", report_kernel_count(d, r, v->kernels));
    term_table_cell(
        t,
        "%s",
        v->failed                 ? "failed"
        : v->end_ns == UINT64_MAX ? "never returned"
        : v->is_async             ? "async"
                                  : "");
  }
  term_table_end(&r->term, t);
}

static void report_eval_groups(const report* r) {
  static const term_column columns[] = {
      {"evals", true, false, TERM_PLAIN},
      {"trigger", false, false, TERM_NAME},
      {"where", false, true, TERM_PLACE},
      {"function", false, true, TERM_PLAIN},
      {"nodes", true, false, TERM_PLAIN},
      {"kernels", true, false, TERM_PLAIN},
      {"time", true, false, TERM_PLAIN},
      {"mean", true, false, TERM_PLAIN},
      {"longest", true, false, TERM_PLAIN},
      {"planning", true, false, TERM_PLAIN},
      {"planned", true, false, TERM_PLAIN},
      {"", false, false, TERM_BAD},
  };
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  bool plans = false;
  for (uint32_t i = 0; i < r->s->n_evals; i++)
    plans |= r->s->evals[i].plan_ns || r->s->evals[i].cached;
  for (; shown < r->s->n_evals && shown < r->top; shown++) {
    const summary_eval* v = &r->s->evals[shown];
    char place[REPORT_PLACE], text[TEXT_SIZE];
    term_table_cell(t, "%s", text_count(text, v->count));
    term_table_cell(t, "%s", text_trigger(v->trigger));
    term_table_cell(t, "%s", report_place(place, r, v->place));
    term_table_cell(t, "%s", report_function(r, v->place));
    term_table_cell(t, "%s", text_count(text, v->nodes));
    term_table_cell(t, "%s", report_kernel_count(text, r, v->kernels));
    term_table_cell(t, "%s", text_ns(text, v->total_ns));
    term_table_cell(t, "%s", text_ns(text, v->total_ns / v->count));
    term_table_cell(
        t, "%s", report_longest(text, v->total_ns, v->max_ns, v->count));
    /* Of a runtime that does not tell how it plans: nothing. */
    term_table_cell(t, "%s", plans ? text_ns(text, v->plan_ns) : "");
    term_table_cell(
        t, "%s", plans ? text_count(text, v->count - v->cached) : "");
    if (v->failed)
      term_table_cell(t, "%u failed", v->failed);
    else if (v->unfinished)
      term_table_cell(t, "%u never returned", v->unfinished);
    else
      term_table_cell(t, "%s", v->is_async ? "async" : "");
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_evals);
}

/* What the optimiser did to nodes before they ran. */
static void report_rewrites(const report* r) {
  uint32_t counts[256] = {0};
  bool any = false;
  char text[TEXT_SIZE];
  for (uint32_t i = 0; i < r->m->n_nodes; i++) counts[r->m->nodes[i].rewrite]++;
  for (int i = 1; i < 256; i++) {
    if (!counts[i]) continue;
    term_print(
        &r->term,
        TERM_PLAIN,
        "%s%s %s",
        any ? ", " : "  The optimiser: ",
        text_count(text, counts[i]),
        text_rewrite((uint8_t)i));
    any = true;
  }
  if (any) fputs(".\n", r->term.out);
}

void report_evals(const report* r) {
  const model* m = r->m;
  char line[200], a[TEXT_SIZE], b[TEXT_SIZE];
  char lines[40] = "";
  if (m->n_stacks)
    snprintf(
        lines,
        sizeof lines,
        " of %u line%s",
        r->s->n_evals,
        report_s(r->s->n_evals));
  snprintf(
      line,
      sizeof line,
      "%s eval%s%s · %s in their calls",
      text_count(a, m->n_evals),
      report_s(m->n_evals),
      lines,
      text_ns(b, r->s->eval_ns));
  term_section(&r->term, "EVALS", m->n_evals ? line : "none");
  if (m->n_evals) {
    if (r->each_eval)
      report_each_eval(r);
    else
      report_eval_groups(r);
  }
  report_rewrites(r);
  uint32_t never = 0;
  for (uint32_t i = 0; i < m->n_nodes; i++)
    never += m->nodes[i].eval == MODEL_NONE && m->nodes[i].n_inputs;
  if (never)
    term_print(
        &r->term,
        TERM_PLAIN,
        "  %s of %s nodes were built and never computed.\n",
        text_count(a, never),
        text_count(b, m->n_nodes));
}

void report_kernels(const report* r) {
#define COLUMNS                                                                \
  {"time", true, false, TERM_PLAIN}, {"share", true, false, TERM_PLAIN},       \
      {"", false, false, TERM_BAR}, {"count", true, false, TERM_PLAIN},        \
      {"kernel", false, true, TERM_NAME}, {"mean", true, false, TERM_PLAIN},   \
      {"longest", true, false, TERM_PLAIN}, {"GB/s", true, false, TERM_PLAIN}, \
  {                                                                            \
    "GFLOP/s", true, false, TERM_PLAIN                                         \
  }
  static const term_column columns[] = {
      COLUMNS,
      {"read", true, false, TERM_PLAIN},
      {"written", true, false, TERM_PLAIN},
  };
  static const term_column shaped[] = {
      COLUMNS, {"result", false, false, TERM_PLAIN}};
#undef COLUMNS
  if (!r->s->ran && r->s->n_evals && !model_tells(r->m, "kernel-end"))
    term_section(
        &r->term,
        "KERNELS",
        "not told by this version of the runtime: neither how many there were, "
        "nor when");
  if (!r->s->ran) return;
  char line[200], a[TEXT_SIZE], b[TEXT_SIZE];
  snprintf(
      line,
      sizeof line,
      "%s kernel%s · %s of work",
      text_count(a, r->s->ran),
      report_s(r->s->ran),
      text_ns(b, r->s->kernel_ns));
  term_section(&r->term, "KERNELS", line);
  const summary_kernel* rows = r->shapes ? r->s->shapes : r->s->kernels;
  uint32_t all = r->shapes ? r->s->n_shapes : r->s->n_kernels, shown = 0;
  term_table* t = r->shapes ? term_table_new(shaped, N(shaped))
                            : term_table_new(columns, N(columns));
  for (; shown < all && shown < r->top; shown++) {
    const summary_kernel* k = &rows[shown];
    char bar[TERM_BAR_SIZE], text[TEXT_SIZE];
    double share = report_share(k->total_ns, r->s->kernel_ns);
    uint64_t moved = k->bytes_read + k->bytes_written;
    term_table_cell(t, "%s", text_ns(text, k->total_ns));
    term_table_cell(t, "%.1f %%", share * 100);
    term_table_cell(t, "%s", term_bar(bar, share, 8));
    term_table_cell(t, "%s", text_count(text, k->count));
    term_table_cell(t, "%s", model_string(r->m, k->name));
    term_table_cell(t, "%s", text_ns(text, k->total_ns / k->count));
    term_table_cell(
        t, "%s", report_longest(text, k->total_ns, k->max_ns, k->count));
    if (moved && k->total_ns)
      term_table_cell(t, "%.2f", (double)moved / (double)k->total_ns);
    else
      term_table_cell(t, " ");
    if (k->flops && k->total_ns)
      term_table_cell(t, "%.2f", (double)k->flops / (double)k->total_ns);
    else
      term_table_cell(t, " ");
    if (r->shapes) {
      char shape[REPORT_SHAPE] = " ";
      if (k->array != MODEL_NONE)
        text_shape(shape, sizeof shape, r->m, k->array);
      term_table_cell(t, "%s", shape);
    } else {
      term_table_cell(t, "%s", text_bytes(text, k->bytes_read));
      term_table_cell(t, "%s", text_bytes(text, k->bytes_written));
    }
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, all);
}

/* Told where there is more than one: which of them stood still. */
void report_streams(const report* r) {
  static const term_column columns[] = {
      {"busy", true, false, TERM_PLAIN},
      {"of its time", true, false, TERM_PLAIN},
      {"", false, false, TERM_BAR},
      {"kernels", true, false, TERM_PLAIN},
      {"stream", false, true, TERM_NAME},
      {"device", false, false, TERM_PLAIN},
      {"longest pause", true, false, TERM_PLAIN},
  };
  if (r->s->n_streams < 2) return;
  uint64_t busy = 0, begin = UINT64_MAX, end = 0;
  for (uint32_t i = 0; i < r->s->n_streams; i++) {
    const summary_stream* s = &r->s->streams[i];
    busy += s->busy_ns;
    begin = s->begin_ns < begin ? s->begin_ns : begin;
    end = s->end_ns > end ? s->end_ns : end;
  }
  char line[120], a[TEXT_SIZE], b[TEXT_SIZE];
  snprintf(
      line,
      sizeof line,
      "%u streams · together busy %s in %s",
      r->s->n_streams,
      text_ns(a, busy),
      text_ns(b, end - begin));
  term_section(&r->term, "STREAMS", line);
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  for (; shown < r->s->n_streams && shown < r->top; shown++) {
    const summary_stream* s = &r->s->streams[shown];
    char text[TEXT_SIZE], bar[TERM_BAR_SIZE];
    const char* name = model_string(r->m, s->name);
    double share = report_share(s->busy_ns, s->end_ns - s->begin_ns);
    term_table_cell(t, "%s", text_ns(text, s->busy_ns));
    term_table_cell(t, "%.1f %%", share * 100);
    term_table_cell(t, "%s", term_bar(bar, share, 8));
    term_table_cell(t, "%s", text_count(text, s->kernels));
    term_table_cell(t, "%u %s", s->index, name);
    term_table_cell(t, "%s", s->device ? "GPU" : "CPU");
    term_table_cell(t, "%s", text_ns(text, s->idle_ns));
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_streams);
}

static void report_groups(const report* r) {
  static const term_column columns[] = {
      {"not moved", true, false, TERM_GOOD},
      {"about", true, false, TERM_GOOD},
      {"nodes", true, false, TERM_PLAIN},
      {"count", true, false, TERM_PLAIN},
      {"kernel", false, true, TERM_NAME},
      {"last node at", false, true, TERM_PLACE},
      {"time", true, false, TERM_PLAIN},
  };
  if (!r->s->n_groups) return;
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  for (; shown < r->s->n_groups && shown < r->top; shown++) {
    const summary_group* g = &r->s->groups[shown];
    char place[REPORT_PLACE], text[TEXT_SIZE];
    term_table_cell(t, "%s", text_bytes(text, g->bytes_saved));
    term_table_cell(t, "%s", text_ns(text, g->saved_ns));
    term_table_cell(t, "%u", g->nodes);
    term_table_cell(t, "%s", text_count(text, g->count));
    term_table_cell(t, "%s", model_string(r->m, g->name));
    term_table_cell(t, "%s", report_place(place, r, g->place));
    term_table_cell(t, "%s", text_ns(text, g->total_ns));
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_groups);
}

static void report_refusals(const report* r) {
  static const term_column columns[] = {
      {"moved", true, false, TERM_BAD},
      {"about", true, false, TERM_BAD},
      {"count", true, false, TERM_PLAIN},
      {"because of", false, false, TERM_NAME},
      {"from", false, true, TERM_PLAIN},
      {"at", false, true, TERM_PLACE},
      {"to", false, true, TERM_PLAIN},
      {"at", false, true, TERM_PLACE},
      {"found", true, false, TERM_PLAIN},
      {"limit", true, false, TERM_PLAIN},
  };
  if (!r->s->n_refusals) return;
  char text[TEXT_SIZE], ns[TEXT_SIZE];
  term_print(
      &r->term,
      TERM_PLAIN,
      "  Kept apart: %s moved that one kernel would not move, about %s.\n",
      text_bytes(text, r->s->bytes_refused),
      text_ns(ns, r->s->refused_ns));
  bool met[256] = {0};
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  for (; shown < r->s->n_refusals && shown < r->top; shown++) {
    const summary_refusal* f = &r->s->refusals[shown];
    char place[REPORT_PLACE];
    met[f->reason] = true;
    term_table_cell(t, "%s", text_bytes(text, f->bytes));
    term_table_cell(t, "%s", text_ns(text, f->cost_ns));
    term_table_cell(t, "%s", text_count(text, f->count));
    term_table_cell(t, "%s", text_refusal(f->reason));
    term_table_cell(t, "%s", model_string(r->m, f->producer_op));
    term_table_cell(t, "%s", report_place(place, r, f->producer));
    term_table_cell(t, "%s", model_string(r->m, f->consumer_op));
    term_table_cell(t, "%s", report_place(place, r, f->consumer));
    if (f->limit) {
      term_table_cell(t, "%llu", (unsigned long long)f->value);
      term_table_cell(t, "%llu", (unsigned long long)f->limit);
    } else {
      term_table_cell(t, " ");
      term_table_cell(t, " ");
    }
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_refusals);
  for (int i = 0; i < 256; i++)
    if (met[i] && *text_refusal_why((uint8_t)i))
      term_print(
          &r->term,
          TERM_HEAD,
          "  %s: %s\n",
          text_refusal((uint8_t)i),
          text_refusal_why((uint8_t)i));
}

void report_fusion(const report* r) {
  if (!r->s->n_groups && !r->s->n_refusals) return;
  char line[200], a[TEXT_SIZE];
  snprintf(
      line,
      sizeof line,
      "%u of %u kernels hold several nodes · %s of intermediates not moved",
      r->s->fused,
      r->s->ran,
      text_bytes(a, r->s->bytes_saved));
  term_section(&r->term, "FUSION", line);
  report_groups(r);
  report_refusals(r);
}

/* The bits of enum lazuli_compile_change. */
static const struct {
  uint32_t bit;
  const char* name;
} report_changes[] = {
    {LAZULI_COMPILE_FIRST, "first call"},
    {LAZULI_COMPILE_SHAPE, "shape"},
    {LAZULI_COMPILE_DTYPE, "dtype"},
    {LAZULI_COMPILE_RANK, "rank"},
    {LAZULI_COMPILE_CONSTANT, "constant"},
    {LAZULI_COMPILE_STREAM, "stream"},
    {LAZULI_COMPILE_COUNT, "number of inputs"},
    {LAZULI_COMPILE_EVICTED, "evicted"},
};

void report_compiles(const report* r) {
  static const term_column columns[] = {
      {"traced", true, false, TERM_BAD},
      {"hits", true, false, TERM_PLAIN},
      {"where", false, true, TERM_PLACE},
      {"tracing", true, false, TERM_PLAIN},
      {"nodes", true, false, TERM_PLAIN},
      {"captured", true, false, TERM_PLAIN},
      {"changed", false, false, TERM_NAME},
      {"last", false, true, TERM_PLAIN},
  };
  if (!r->s->n_compiles) return;
  char line[200];
  snprintf(
      line,
      sizeof line,
      "%u call%s at %u line%s",
      r->m->n_compiles,
      report_s(r->m->n_compiles),
      r->s->n_compiles,
      report_s(r->s->n_compiles));
  term_section(&r->term, "COMPILED FUNCTIONS", line);
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  for (; shown < r->s->n_compiles && shown < r->top; shown++) {
    const summary_compile* c = &r->s->compiles[shown];
    char place[REPORT_PLACE], text[TEXT_SIZE], changed[160] = "";
    for (int i = 0; i < N(report_changes); i++)
      if (c->changed & report_changes[i].bit) {
        strcat(changed, *changed ? ", " : "");
        strcat(changed, report_changes[i].name);
      }
    term_table_cell(t, "%s", text_count(text, c->misses));
    term_table_cell(t, "%s", text_count(text, c->hits));
    term_table_cell(t, "%s", report_place(place, r, c->place));
    term_table_cell(t, "%s", text_ns(text, c->trace_ns));
    term_table_cell(t, "%s", text_count(text, c->nodes));
    term_table_cell(t, "%u", c->captured);
    term_table_cell(t, "%s", changed);
    term_table_cell(t, "%s", model_string(r->m, c->detail));
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_compiles);
}

void report_blame(const report* r) {
  static const term_column columns[] = {
      {"triggered", true, false, TERM_PLAIN},
      {"moved", true, false, TERM_PLAIN},
      {"evals", true, false, TERM_PLAIN},
      {"built", true, false, TERM_PLAIN},
      {"", false, false, TERM_BAR},
      {"moved", true, false, TERM_PLAIN},
      {"allocated", true, false, TERM_PLAIN},
      {"nodes", true, false, TERM_PLAIN},
      {"line", false, true, TERM_PLACE},
      {"function", false, true, TERM_PLAIN},
  };
  if (!r->s->n_blame) return;
  term_section(
      &r->term,
      "BLAME",
      "kernels' work by the line that triggered it, and by the line that "
      "built it");
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  for (; shown < r->s->n_blame && shown < r->top; shown++) {
    const summary_blame* b = &r->s->blame[shown];
    char place[REPORT_PLACE], text[TEXT_SIZE], bar[TERM_BAR_SIZE];
    term_table_cell(t, "%s", b->evals ? text_ns(text, b->triggered_ns) : " ");
    term_table_cell(
        t, "%s", b->evals ? text_bytes(text, b->triggered_bytes) : " ");
    term_table_cell(t, "%s", b->evals ? text_count(text, b->evals) : " ");
    term_table_cell(t, "%s", text_ns(text, b->built_ns));
    term_table_cell(
        t, "%s", term_bar(bar, report_share(b->built_ns, r->s->kernel_ns), 8));
    term_table_cell(t, "%s", text_bytes(text, b->built_bytes));
    term_table_cell(t, "%s", text_bytes(text, b->built_alloc));
    term_table_cell(t, "%s", text_count(text, b->nodes));
    term_table_cell(t, "%s", report_place(place, r, b->place));
    term_table_cell(t, "%s", report_function(r, b->place));
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_blame);
}
