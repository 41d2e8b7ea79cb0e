/* One HTML page with everything in it: figures, tables that sort, the time
 * axis, the memory curve, graphs. It asks no server for anything. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "draw.h"
#include "export.h"
#include "html_parts.h"
#include "text.h"
#include "why.h"

enum { HTML_ROWS = 500, HTML_VERTICES = 1500 };

static const char html_style[] =
    ":root{color-scheme:light dark;--b:#fff;--f:#1d2433;--d:#667;--l:#d9deea;"
    "--c:#f3f6fb;--a:#2456a6;--w:#b0531b}"
    "@media(prefers-color-scheme:dark){:root{--b:#14181f;--f:#dde3ee;"
    "--d:#94a0b4;--l:#2c3442;--c:#1c222c;--a:#7fb0ff;--w:#f0a35e}}"
    "body{font:14px/1.45 system-ui,sans-serif;margin:0;background:var(--b);"
    "color:var(--f)}main{max-width:1200px;margin:auto;padding:24px}"
    "h1{font-size:22px;margin:0}h2{font-size:16px;margin:32px 0 8px;"
    "color:var(--a)}.d{color:var(--d)}.w{color:var(--w)}"
    ".cards{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0}"
    ".card{background:var(--c);border:1px solid var(--l);border-radius:8px;"
    "padding:8px 14px}.card b{display:block;font-size:19px}"
    "table{border-collapse:collapse;width:100%}"
    "th{cursor:pointer;text-align:left;font-weight:600;color:var(--d);"
    "border-bottom:1px solid var(--l);padding:4px 8px;white-space:nowrap}"
    "td{border-bottom:1px solid var(--l);padding:3px 8px;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}code{font:12px ui-monospace,monospace}"
    ".find{border-left:4px solid var(--w);background:var(--c);margin:8px 0;"
    "padding:8px 12px;border-radius:0 6px 6px 0}"
    ".pic{overflow:auto;max-height:900px;border:1px solid var(--l);"
    "border-radius:8px;background:#fff}nav a{margin-right:14px;"
    "color:var(--a);text-decoration:none}svg text{pointer-events:none}";

/* Sorts a table by the column whose head was clicked; numbers by data-v. */
static const char html_script[] =
    "document.querySelectorAll('th').forEach(h=>h.onclick=()=>{"
    "const t=h.closest('table'),i=h.cellIndex,b=t.tBodies[0],"
    "k=r=>{const c=r.cells[i];return c.dataset.v!==undefined?+c.dataset.v:"
    "c.textContent},d=h.dataset.d=h.dataset.d==='1'?'-1':'1';"
    "[...b.rows].sort((x,y)=>{const p=k(x),q=k(y);"
    "return(p<q?1:p>q?-1:0)*d}).forEach(r=>b.append(r))})";

static void html_cards(html* h) {
  const model* m = h->job->m;
  const summary* s = h->job->s;
  char a[TEXT_SIZE];
  model_peak peak = {0};
  bool has_peak = m->n_memory && !model_memory_peak(m, &peak);
  fputs("<div class=cards>", h->out);
  html_card(h, "run", text_ns(a, m->info.duration_ns));
  html_card(h, "evals", text_count(a, m->n_evals));
  html_card(h, "nodes", text_count(a, m->n_nodes));
  html_card(h, "kernels", text_count(a, s->ran));
  html_card(h, "in kernels", text_ns(a, s->kernel_ns));
  if (has_peak) html_card(h, "memory peak", text_bytes(a, peak.active));
  html_card(h, "not moved: fused", text_bytes(a, s->bytes_saved));
  html_card(h, "findings", text_count(a, h->job->found->n));
  fputs("</div>", h->out);
  model_peak_free(&peak);
}

static void html_header(html* h) {
  const model* m = h->job->m;
  const char* program = text_base(model_string(m, m->info.executable));
  fputs(
      "<!DOCTYPE html><html lang=en><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width\"><title>",
      h->out);
  html_text(h, program);
  fprintf(h->out, " · Lazuli</title><style>%s</style><main><h1>", html_style);
  html_text(h, program);
  fputs("</h1><div class=d><code>", h->out);
  html_text(h, model_string(m, m->info.arguments));
  fputs("</code> · ", h->out);
  html_text(h, model_string(m, m->info.runtime));
  fprintf(h->out, " · pid %u · ", m->info.pid);
  char end[TEXT_SIZE];
  fprintf(
      h->out,
      m->info.finished ? "%s" : "<span class=w>%s</span>",
      text_end(end, &m->info));
  if (m->info.damage) {
    fputs("<br><span class=w>damaged: ", h->out);
    html_text(h, model_string(m, m->info.damage));
    fputs("</span>", h->out);
  }
  fputs(
      "</div><nav><a href=#time>time</a><a href=#evals>evals</a>"
      "<a href=#kernels>kernels</a><a href=#memory>memory</a>"
      "<a href=#fusion>fusion</a><a href=#blame>blame</a>"
      "<a href=#graph>graph</a></nav>",
      h->out);
  html_cards(h);
}

static void html_findings(html* h) {
  const findings* found = h->job->found;
  char a[TEXT_SIZE];
  if (found->n) html_section(h, "findings", "Findings");
  for (uint32_t i = 0; i < found->n; i++) {
    const finding* f = &found->at[i];
    fputs("<div class=find><b>", h->out);
    html_text(h, f->rule->id);
    fputs(" · ", h->out);
    html_text(h, f->rule->title);
    fputs("</b> <code>", h->out);
    html_place(h, f->place);
    fputs("</code>", h->out);
    if (f->cost_ns) fprintf(h->out, " · about %s", text_ns(a, f->cost_ns));
    if (f->cost_bytes) fprintf(h->out, " · %s", text_bytes(a, f->cost_bytes));
    fputs("<br>", h->out);
    html_text(h, f->evidence);
    fputs("<br><span class=d>", h->out);
    html_text(h, f->rule->why);
    fputs("</span><br>", h->out);
    html_text(h, f->rule->fix);
    fputs("</div>", h->out);
  }
}

static void html_evals(html* h) {
  const summary* s = h->job->s;
  html_section(h, "evals", "Evaluations by line");
  html_table(h, "#evals|trigger|where|function|#nodes|#kernels|#time|#mean");
  for (uint32_t i = 0; i < s->n_evals && i < HTML_ROWS; i++) {
    const summary_eval* e = &s->evals[i];
    html_row(h);
    html_count(h, e->count);
    html_cell(h, text_trigger(e->trigger));
    html_place_cell(h, e->place);
    html_cell(h, model_string(h->job->m, e->place.function));
    html_count(h, e->nodes);
    html_count(h, e->kernels);
    html_ns(h, e->total_ns);
    html_ns(h, e->total_ns / e->count);
  }
  html_table_end(h, s->n_evals, HTML_ROWS);
}

static void html_kernels(html* h) {
  const summary* s = h->job->s;
  char rate[32];
  html_section(h, "kernels", "Kernels");
  html_table(h, "#time|#count|kernel|#mean|#GB/s|#GFLOP/s|#read|#written");
  for (uint32_t i = 0; i < s->n_kernels && i < HTML_ROWS; i++) {
    const summary_kernel* k = &s->kernels[i];
    double ns = k->total_ns ? (double)k->total_ns : 1;
    html_row(h);
    html_ns(h, k->total_ns);
    html_count(h, k->count);
    html_cell(h, model_string(h->job->m, k->name));
    html_ns(h, k->total_ns / k->count);
    double gbs = (double)(k->bytes_read + k->bytes_written) / ns;
    snprintf(rate, sizeof rate, "%.2f", gbs);
    html_number(h, gbs, rate);
    snprintf(rate, sizeof rate, "%.2f", (double)k->flops / ns);
    html_number(h, (double)k->flops / ns, k->flops ? rate : "");
    html_bytes(h, k->bytes_read);
    html_bytes(h, k->bytes_written);
  }
  html_table_end(h, s->n_kernels, HTML_ROWS);
}

static void html_memory(html* h) {
  const model* m = h->job->m;
  model_peak peak;
  char reason[512], a[TEXT_SIZE], b[TEXT_SIZE];
  if (!m->n_memory || model_memory_peak(m, &peak)) return;
  html_section(h, "memory", "Memory at its peak");
  fprintf(
      h->out,
      "<p>%s in use at %s; what was alive, by who made it:</p>",
      text_bytes(a, peak.active),
      text_ns(b, peak.time_ns));
  html_table(h, "#bytes|#buffers|made by|at|#age|alive because");
  for (uint32_t i = 0; i < peak.n_alive && i < 64; i++) {
    const model_alive* alive = &peak.alive[i];
    const char* op = model_string(m, alive->op);
    html_row(h);
    html_bytes(h, alive->bytes);
    html_count(h, alive->buffers);
    html_cell(h, *op ? op : "(data)");
    html_place_cell(h, summary_place_of(m, alive->stack));
    html_ns(h, peak.time_ns - alive->oldest_ns);
    html_cell(
        h,
        why_text(
            reason,
            sizeof reason,
            m,
            why_alive(m, alive->array, peak.time_ns)));
  }
  html_table_end(h, peak.n_alive, 64);
  model_peak_free(&peak);
}

static void html_fusion(html* h) {
  const model* m = h->job->m;
  const summary* s = h->job->s;
  html_section(h, "fusion", "Fusion");
  html_table(h, "#not moved|#nodes|#count|kernel|last node at|#time");
  for (uint32_t i = 0; i < s->n_groups && i < HTML_ROWS; i++) {
    const summary_group* g = &s->groups[i];
    html_row(h);
    html_bytes(h, g->bytes_saved);
    html_count(h, g->nodes);
    html_count(h, g->count);
    html_cell(h, model_string(m, g->name));
    html_place_cell(h, g->place);
    html_ns(h, g->total_ns);
  }
  html_table_end(h, s->n_groups, HTML_ROWS);
  if (!s->n_refusals) return;
  fputs("<h2>Kept apart</h2>", h->out);
  html_table(h, "#moved|#count|because of|from|at|to|at|meaning");
  for (uint32_t i = 0; i < s->n_refusals && i < HTML_ROWS; i++) {
    const summary_refusal* r = &s->refusals[i];
    html_row(h);
    html_bytes(h, r->bytes);
    html_count(h, r->count);
    html_cell(h, text_refusal(r->reason));
    html_cell(h, model_string(m, r->producer_op));
    html_place_cell(h, r->producer);
    html_cell(h, model_string(m, r->consumer_op));
    html_place_cell(h, r->consumer);
    html_cell(h, text_refusal_why(r->reason));
  }
  html_table_end(h, s->n_refusals, HTML_ROWS);
}

static void html_blame(html* h) {
  const summary* s = h->job->s;
  html_section(h, "blame", "Kernels' work by line");
  html_table(
      h,
      "line|function|#triggered|#bytes moved|#built|#bytes moved|#allocated|"
      "#evals|#nodes");
  for (uint32_t i = 0; i < s->n_blame && i < HTML_ROWS; i++) {
    const summary_blame* b = &s->blame[i];
    html_row(h);
    html_place_cell(h, b->place);
    html_cell(h, model_string(h->job->m, b->place.function));
    html_ns(h, b->triggered_ns);
    html_bytes(h, b->triggered_bytes);
    html_ns(h, b->built_ns);
    html_bytes(h, b->built_bytes);
    html_bytes(h, b->built_alloc);
    html_count(h, b->evals);
    html_count(h, b->nodes);
  }
  html_table_end(h, s->n_blame, HTML_ROWS);
}

/* All of the graph where it is small; else the evaluation that took longest of
 * those that are. */
static void html_graph(html* h) {
  const model* m = h->job->m;
  uint32_t shown = MODEL_NONE;
  graph g;
  if (m->n_nodes > HTML_VERTICES) {
    uint64_t longest = 0;
    for (uint32_t i = 0; i < m->n_evals; i++)
      if (m->evals[i].nodes < HTML_VERTICES &&
          summary_eval_ns(m, i) >= longest) {
        longest = summary_eval_ns(m, i);
        shown = i;
      }
    if (shown == MODEL_NONE) return;
  }
  if (graph_make(m, shown, &g)) return;
  html_section(h, "graph", "Graph");
  if (shown != MODEL_NONE)
    fprintf(
        h->out,
        "<p class=d>The whole has %u nodes; this is eval %" PRIu64
        ", which took longest of those that fit.</p>",
        m->n_nodes,
        m->evals[shown].id);
  if (g.n_vertices <= 4 * HTML_VERTICES) {
    fputs("<div class=pic>", h->out);
    draw_svg_on(&g, GRAPH_BY_TIME, h->out);
    fputs("</div>", h->out);
  }
  graph_free(&g);
}

int export_html(const export_job* job) {
  html h = {.out = export_open(job), .job = job};
  if (!h.out) return 1;
  html_header(&h);
  html_findings(&h);
  html_time(&h);
  html_evals(&h);
  html_kernels(&h);
  html_memory(&h);
  html_fusion(&h);
  html_blame(&h);
  html_graph(&h);
  fprintf(h.out, "</main><script>%s</script></html>\n", html_script);
  return export_close(job, h.out);
}
