#include "html_parts.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void html_text(html* h, const char* text) {
  char room[2048];
  for (text = text_utf8(room, sizeof room, text); *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '<')
      fputs("&lt;", h->out);
    else if (c == '>')
      fputs("&gt;", h->out);
    else if (c == '&')
      fputs("&amp;", h->out);
    else if (c == '"')
      fputs("&quot;", h->out);
    else
      fputc(c < ' ' || c == 0x7f ? '?' : c, h->out);
  }
}

void html_place(html* h, summary_place place) {
  char text[600];
  html_text(h, summary_place_text(text, sizeof text, h->job->m, place, false));
}

void html_section(html* h, const char* id, const char* title) {
  fprintf(h->out, "\n<h2 id=%s>%s</h2>", id, title);
}

void html_card(html* h, const char* name, const char* value) {
  fprintf(
      h->out,
      "<div class=card><b>%s</b><span class=d>%s</span></div>",
      value,
      name);
}

void html_table(html* h, const char* heads) {
  fputs("<table><thead><tr>", h->out);
  while (*heads) {
    size_t n = strcspn(heads, "|");
    bool number = *heads == '#';
    fprintf(
        h->out,
        "<th%s>%.*s",
        number ? " class=n" : "",
        (int)n - number,
        heads + number);
    heads += n + (heads[n] == '|');
  }
  fputs("</thead><tbody>", h->out);
}

void html_row(html* h) {
  fputs("\n<tr>", h->out);
}

void html_cell(html* h, const char* text) {
  fputs("<td>", h->out);
  html_text(h, text);
}

void html_place_cell(html* h, summary_place place) {
  char text[600];
  fputs("<td title=\"", h->out);
  html_text(h, summary_place_text(text, sizeof text, h->job->m, place, true));
  fputs("\"><code>", h->out);
  html_place(h, place);
  fputs("</code>", h->out);
}

void html_number(html* h, double value, const char* text) {
  fprintf(h->out, "<td class=n data-v=%.9g>%s", value, text);
}

void html_count(html* h, uint64_t value) {
  char text[TEXT_SIZE];
  html_number(h, (double)value, text_count(text, value));
}
void html_ns(html* h, uint64_t value) {
  char text[TEXT_SIZE];
  html_number(h, (double)value, text_ns(text, value));
}
void html_bytes(html* h, uint64_t value) {
  char text[TEXT_SIZE];
  html_number(h, (double)value, text_bytes(text, value));
}

void html_table_end(html* h, uint32_t rows, uint32_t limit) {
  fputs("</tbody></table>", h->out);
  if (rows > limit)
    fprintf(h->out, "<p class=d>… and %u more.</p>", rows - limit);
}

/* ---- the time axis ------------------------------------------------------ */

enum { TIME_WIDTH = 1150, TIME_LEFT = 90, TIME_ROW = 22, TIME_CURVE = 90 };

static double time_x(const html* h, uint64_t ns) {
  uint64_t all = h->job->m->info.duration_ns;
  return TIME_LEFT +
         (TIME_WIDTH - TIME_LEFT) * (all ? (double)ns / (double)all : 0);
}

/* Spans in a row; those too narrow to see join into one another, so that a row
 * has no more spans than columns, however long the trace. */
typedef struct time_row {
  html* h;
  double y;
  double end; /* of what is drawn so far */
  const char* colour;
} time_row;

static void time_span(
    time_row* row, uint64_t begin, uint64_t end, const char* title) {
  uint64_t last = row->h->job->m->info.duration_ns;
  double x = time_x(row->h, begin);
  double until = time_x(row->h, end == UINT64_MAX || end > last ? last : end);
  if (until < x + 0.7) until = x + 0.7;
  if (until <= row->end + 0.3) return;
  if (x < row->end) x = row->end;
  fprintf(
      row->h->out,
      "<rect x=%.1f y=%.0f width=%.1f height=%d fill=\"%s\"><title>",
      x,
      row->y,
      until - x,
      TIME_ROW - 5,
      row->colour);
  html_text(row->h, title);
  fputs("</title></rect>", row->h->out);
  row->end = until;
}

static void time_label(html* h, double y, const char* text) {
  fprintf(h->out, "<text x=0 y=%.0f font-size=11 fill=\"currentColor\">", y);
  html_text(h, text);
  fputs("</text>", h->out);
}

static void time_memory(html* h, double y) {
  const model* m = h->job->m;
  uint64_t most = 1;
  char text[TEXT_SIZE];
  for (uint32_t i = 0; i < m->n_memory; i++)
    if (m->memory[i].active > most) most = m->memory[i].active;
  double base = y + TIME_CURVE, step = 0.5, drawn = -1, top = base;
  fprintf(
      h->out,
      "<path fill=\"#5b8bd6\" opacity=.75 d=\"M%d %.1f",
      TIME_LEFT,
      base);
  for (uint32_t i = 0; i < m->n_memory; i++) {
    double x = time_x(h, m->memory[i].time_ns);
    double at = base - TIME_CURVE * (double)m->memory[i].active / (double)most;
    /* Of what falls on one column, the highest is what matters. */
    if (x < drawn + step && i + 1 < m->n_memory) {
      top = at < top ? at : top;
      continue;
    }
    fprintf(h->out, "H%.1fV%.1f", x, at < top ? at : top);
    drawn = x;
    top = at;
  }
  fprintf(h->out, "H%dV%.1fZ\"/>", TIME_WIDTH, base);
  time_label(h, y + 11, "memory");
  time_label(h, y + 26, text_bytes(text, most));
}

static int time_streams_order(const void* a, const void* b) {
  uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
  return x < y ? -1 : x > y;
}

void html_time(html* h) {
  const model* m = h->job->m;
  char title[400], a[TEXT_SIZE], place[300];
  /* Streams that ran anything, told by the runtime or not. */
  uint32_t streams[64] = {0}, n_streams = 0;
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    bool known = false;
    for (uint32_t k = 0; k < n_streams; k++)
      known |= streams[k] == m->kernels[i].stream;
    if (!known && n_streams < 64) streams[n_streams++] = m->kernels[i].stream;
  }
  qsort(streams, n_streams, sizeof *streams, time_streams_order);
  html_section(h, "time", "Time");
  fprintf(
      h->out,
      "<svg viewBox=\"0 0 %d %d\" width=\"100%%\">",
      TIME_WIDTH,
      (int)(TIME_ROW * (n_streams + 2) + TIME_CURVE + 12));
  time_row row = {h, 2, -1, "#8f7cc9"};
  time_label(h, row.y + 12, "evals");
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* e = &m->evals[i];
    summary_place_text(
        place, sizeof place, m, summary_place_of(m, e->stack), false);
    snprintf(
        title,
        sizeof title,
        "eval %llu: %s at %s, %s",
        (unsigned long long)e->id,
        text_trigger(e->trigger),
        place,
        text_ns(a, summary_eval_ns(m, i)));
    time_span(&row, e->begin_ns, e->end_ns, title);
  }
  row = (time_row){h, row.y + TIME_ROW, -1, "#d98b5f"};
  time_label(h, row.y + 12, "waits");
  for (uint32_t i = 0; i < m->n_waits; i++) {
    const model_wait* w = &m->waits[i];
    snprintf(
        title,
        sizeof title,
        "wait for %s, %s",
        text_wait(w->reason),
        text_ns(a, w->end_ns - w->begin_ns));
    time_span(&row, w->begin_ns, w->end_ns, title);
  }
  for (uint32_t s = 0; s < n_streams; s++) {
    row = (time_row){h, row.y + TIME_ROW, -1, "#58a06e"};
    snprintf(title, sizeof title, "stream %u", streams[s]);
    time_label(h, row.y + 12, title);
    for (uint32_t i = 0; i < m->n_kernels; i++) {
      const model_kernel* k = &m->kernels[i];
      if (k->stream != streams[s] || k->begin_ns == UINT64_MAX) continue;
      snprintf(
          title,
          sizeof title,
          "%.200s, %s",
          model_string(m, k->name),
          k->end_ns == UINT64_MAX ? "never ended"
                                  : text_ns(a, k->end_ns - k->begin_ns));
      time_span(&row, k->begin_ns, k->end_ns, title);
    }
  }
  if (m->n_memory) time_memory(h, row.y + TIME_ROW + 4);
  fputs("</svg>", h->out);
}
