/* Memory and waits. */
#include <stdlib.h>

#include "report.h"
#include "text.h"
#include "why.h"

#define N(columns) (int)(sizeof(columns) / sizeof *(columns))
enum { REPORT_CURVE = 72 };

/* The most bytes in use in each of equal spans of the run. */
static void report_curve(const report* r) {
  const model* m = r->m;
  uint64_t most[REPORT_CURVE] = {0};
  int n = r->term.width - 28;
  if (n > REPORT_CURVE) n = REPORT_CURVE;
  uint64_t span = m->info.duration_ns ? m->info.duration_ns : 1;
  int at = 0;
  uint64_t active = 0;
  for (uint32_t i = 0; i <= m->n_memory; i++) {
    /* `active` holds up to the next point. */
    double until =
        i < m->n_memory ? (double)m->memory[i].time_ns / (double)span : 1;
    int last = (int)(until * n);
    for (int k = at; k <= last && k < n; k++)
      most[k] = active > most[k] ? active : most[k];
    at = last < n ? last : n - 1;
    if (i < m->n_memory) {
      active = m->memory[i].active;
      most[at] = active > most[at] ? active : most[at];
    }
  }
  char text[TEXT_SIZE];
  fputs("  ", r->term.out);
  term_curve(&r->term, most, n);
  term_print(
      &r->term, TERM_HEAD, "  over %s\n", text_ns(text, m->info.duration_ns));
}

static void report_alive(const report* r, const model_peak* peak) {
  static const term_column columns[] = {
      {"bytes", true, false, TERM_PLAIN},
      {"share", true, false, TERM_PLAIN},
      {"", false, false, TERM_BAR},
      {"buffers", true, false, TERM_PLAIN},
      {"made by", false, true, TERM_NAME},
      {"at", false, true, TERM_PLACE},
      {"age", true, false, TERM_PLAIN},
      {"alive because", false, true, TERM_PLAIN},
  };
  const model* m = r->m;
  term_table* t = term_table_new(columns, N(columns));
  uint64_t seen = 0;
  for (uint32_t i = 0; i < peak->n_alive; i++) seen += peak->alive[i].bytes;
  uint32_t shown = 0;
  for (; shown < peak->n_alive && shown < r->top; shown++) {
    const model_alive* a = &peak->alive[shown];
    char place[REPORT_PLACE], text[TEXT_SIZE], bar[TERM_BAR_SIZE], why_[300];
    double share = peak->active ? (double)a->bytes / (double)peak->active : 0;
    const char* op = model_string(m, a->op);
    term_table_cell(t, "%s", text_bytes(text, a->bytes));
    term_table_cell(t, "%.1f %%", share * 100);
    term_table_cell(t, "%s", term_bar(bar, share, 8));
    term_table_cell(t, "%s", text_count(text, a->buffers));
    term_table_cell(t, "%s", *op ? op : "(data)");
    term_table_cell(
        t, "%s", report_place(place, r, summary_place_of(m, a->stack)));
    term_table_cell(t, "%s", text_ns(text, peak->time_ns - a->oldest_ns));
    /* Where kernels are not told nobody knows who still had to read what. */
    term_table_cell(
        t,
        "%s",
        r->s->ran
            ? why_text(
                  why_, sizeof why_, m, why_alive(m, a->array, peak->time_ns))
            : "");
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, peak->n_alive);
  char a[TEXT_SIZE];
  uint64_t held = r->s->ran ? why_held_bytes(m, peak->time_ns) : 0;
  if (held * 50 > peak->active)
    term_print(
        &r->term,
        TERM_PLAIN,
        "  %s of it no kernel had to read any more: handles of the program "
        "kept "
        "it.\n",
        text_bytes(a, held));
  if (peak->active > seen)
    term_print(
        &r->term,
        TERM_HEAD,
        "  %s more was in use that the trace does not know the maker of.\n",
        text_bytes(a, peak->active - seen));
}

static void report_donations(const report* r) {
  const model* m = r->m;
  if (!m->n_donations) return;
  uint32_t refused[256] = {0};
  for (uint32_t i = 0; i < m->n_donations; i++)
    refused[m->donations[i].result]++;
  term_print(
      &r->term,
      TERM_PLAIN,
      "  Results written over an input: %u",
      r->s->donations_made);
  const char* before = " · not possible: ";
  for (int i = 1; i < 256; i++)
    if (refused[i]) {
      term_print(
          &r->term,
          TERM_PLAIN,
          "%s%u %s",
          before,
          refused[i],
          text_donation((uint8_t)i));
      before = ", ";
    }
  fputc('\n', r->term.out);
}

void report_memory(const report* r) {
  const model* m = r->m;
  model_peak peak;
  if (!m->n_memory || model_memory_peak(m, &peak)) return;
  char line[200], a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
  snprintf(
      line,
      sizeof line,
      "peak %s at %s · %s cached then",
      text_bytes(a, peak.active),
      text_ns(b, peak.time_ns),
      text_bytes(c, peak.cache));
  term_section(&r->term, "MEMORY", line);
  report_curve(r);
  report_alive(r, &peak);
  model_peak_free(&peak);
  const summary* sum = r->s;
  uint64_t asked = m->n_buffers;
  if (asked)
    term_print(
        &r->term,
        TERM_PLAIN,
        "  Allocations: %s · from the cache %s, the system %s, small blocks %s",
        text_count(a, asked),
        text_count(b, sum->cache_hits),
        text_count(c, sum->cache_misses),
        text_count(d, sum->small));
  if (sum->external)
    term_print(
        &r->term,
        TERM_PLAIN,
        " · brought by the program %s",
        text_count(a, sum->external));
  uint64_t evicted = 0, cleared = 0;
  for (uint32_t i = 0; i < m->n_cache_events; i++)
    *(m->cache_events[i].action ? &cleared : &evicted) +=
        m->cache_events[i].bytes;
  if (asked && evicted)
    term_print(&r->term, TERM_PLAIN, " · evicted %s", text_bytes(c, evicted));
  if (asked && cleared)
    term_print(&r->term, TERM_PLAIN, " · cleared %s", text_bytes(d, cleared));
  if (asked) fputc('\n', r->term.out);
  report_donations(r);
}

void report_waits(const report* r) {
  static const term_column columns[] = {
      {"time", true, false, TERM_PLAIN},
      {"waits", true, false, TERM_PLAIN},
      {"for", false, false, TERM_NAME},
      {"at", false, true, TERM_PLACE},
      {"mean", true, false, TERM_PLAIN},
      {"longest", true, false, TERM_PLAIN},
  };
  if (!r->s->n_waits) return;
  uint64_t total = 0;
  for (uint32_t i = 0; i < r->s->n_waits; i++) total += r->s->waits[i].total_ns;
  char line[100], text[TEXT_SIZE];
  snprintf(
      line, sizeof line, "%s of threads standing still", text_ns(text, total));
  term_section(&r->term, "WAITS", line);
  term_table* t = term_table_new(columns, N(columns));
  uint32_t shown = 0;
  bool met[256] = {0};
  for (; shown < r->s->n_waits && shown < r->top; shown++) {
    const summary_wait* w = &r->s->waits[shown];
    met[w->reason] = true;
    char place[REPORT_PLACE];
    term_table_cell(t, "%s", text_ns(text, w->total_ns));
    term_table_cell(t, "%s", text_count(text, w->count));
    term_table_cell(t, "%s", text_wait(w->reason));
    term_table_cell(t, "%s", report_place(place, r, w->place));
    term_table_cell(t, "%s", text_ns(text, w->total_ns / w->count));
    term_table_cell(t, "%s", text_ns(text, w->max_ns));
  }
  term_table_end(&r->term, t);
  report_rest(r, shown, r->s->n_waits);
  for (int i = 0; i < 256; i++)
    if (met[i] && *text_wait_why((uint8_t)i))
      term_print(
          &r->term,
          TERM_HEAD,
          "  %s: %s\n",
          text_wait((uint8_t)i),
          text_wait_why((uint8_t)i));
}
