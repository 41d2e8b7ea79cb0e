#include "session.h"

#include <string.h>

#include "text.h"

typedef struct listener {
  session_changed changed;
  void* user;
} listener;

session* session_new(const char* path, model* m) {
  session* s = g_new0(session, 1);
  s->path = g_strdup(path);
  s->m = m;
  s->totals = summary_new(m);
  s->shown_eval = MODEL_NONE;
  s->listeners = g_array_new(FALSE, FALSE, sizeof(listener));
  /* Of many evaluations the first with work in it is a fair start. */
  for (uint32_t i = 0; m->n_nodes > 400 && i < m->n_evals; i++)
    if (m->evals[i].kernels) {
      s->shown_eval = i;
      break;
    }
  return s;
}

void session_free(session* s) {
  if (!s) return;
  summary_free(s->totals);
  model_free(s->m);
  g_array_free(s->listeners, TRUE);
  g_free(s->path);
  g_free(s);
}

void session_listen(session* s, session_changed changed, void* user) {
  listener l = {changed, user};
  g_array_append_val(s->listeners, l);
}

void session_select(
    session* s, session_kind kind, uint32_t index, uint64_t ns) {
  s->selected = (session_selection){kind, index, ns};
  for (guint i = 0; i < s->listeners->len; i++) {
    listener l = g_array_index(s->listeners, listener, i);
    l.changed(s, l.user);
  }
}

uint32_t session_kernel(const session* s) {
  if (s->selected.kind == SELECT_KERNEL) return s->selected.index;
  if (s->selected.kind == SELECT_NODE)
    return s->m->nodes[s->selected.index].kernel;
  return MODEL_NONE;
}

uint32_t session_eval(const session* s) {
  const session_selection* at = &s->selected;
  if (at->kind == SELECT_EVAL) return at->index;
  if (at->kind == SELECT_NODE) return s->m->nodes[at->index].eval;
  if (at->kind == SELECT_KERNEL) return s->m->kernels[at->index].eval;
  return MODEL_NONE;
}

/* ---- words --------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void row(
    GString* out, const char* name, const char* format, ...) {
  va_list args;
  va_start(args, format);
  char* text = g_strdup_vprintf(format, args);
  va_end(args);
  char* valid = g_utf8_make_valid(text, -1);
  char* safe = g_markup_escape_text(valid, -1);
  g_string_append_printf(out, "<b>%s</b>  %s\n", name, safe);
  g_free(safe);
  g_free(valid);
  g_free(text);
}

static void head(GString* out, const char* text) {
  char* valid = g_utf8_make_valid(text, -1);
  char* safe = g_markup_escape_text(valid, -1);
  g_string_append_printf(
      out, "<span size='large' weight='bold'>%s</span>\n\n", safe);
  g_free(safe);
  g_free(valid);
}

static void stack(GString* out, const model* m, uint32_t id) {
  if (id >= m->n_stacks) return;
  const model_stack* s = &m->stacks[id];
  g_string_append(out, "\n<b>Call stack</b>\n");
  uint32_t shown = 0;
  for (uint32_t i = 0; i < s->count && shown < 14; i++) {
    const model_frame* f = &m->frames[s->first + i];
    if (!f->user && f->line == 0) continue;
    char* text = g_strdup_printf(
        "%s  %s:%u",
        model_string(m, f->function),
        text_base(model_string(m, f->file)),
        f->line);
    char* valid = g_utf8_make_valid(text, -1);
    char* safe = g_markup_escape_text(valid, -1);
    g_string_append_printf(out, f->user ? "<b>%s</b>\n" : "%s\n", safe);
    g_free(safe);
    g_free(valid);
    g_free(text);
    shown++;
  }
}

static void place(GString* out, const model* m, const char* name, uint32_t id) {
  char text[256];
  summary_place_text(text, sizeof text, m, summary_place_of(m, id), false);
  row(out, name, "%s", text);
}

static void node_details(GString* out, const session* s) {
  const model* m = s->m;
  const model_node* n = &m->nodes[s->selected.index];
  char text[96], size[TEXT_SIZE];
  head(out, model_string(m, n->op));
  for (uint32_t i = 0; i < n->n_outputs && i < 4; i++) {
    uint32_t a = n->first_output + i;
    row(out,
        "Output",
        "%s %s, %s",
        text_dtype(m->arrays[a].dtype),
        text_shape(text, sizeof text, m, a),
        text_bytes(size, m->arrays[a].bytes));
  }
  for (uint32_t i = 0; i < n->n_inputs && i < 6; i++) {
    uint32_t a = m->inputs[n->first_input + i];
    if (a == MODEL_NONE) continue;
    uint32_t by = m->arrays[a].node;
    row(out,
        "Input",
        "%s %s from %s",
        text_dtype(m->arrays[a].dtype),
        text_shape(text, sizeof text, m, a),
        by == MODEL_NONE ? "data" : model_string(m, m->nodes[by].op));
  }
  place(out, m, "Built at", n->stack);
  if (n->eval == MODEL_NONE)
    row(out, "Computed", "never");
  else
    row(out,
        "Computed in",
        "eval %llu",
        (unsigned long long)m->evals[n->eval].id);
  if (n->kernel != MODEL_NONE) {
    const model_kernel* k = &m->kernels[n->kernel];
    row(out, "Kernel", "%s (%u nodes)", model_string(m, k->name), k->n_nodes);
    if (k->end_ns != UINT64_MAX)
      row(out, "Kernel time", "%s", text_ns(size, k->end_ns - k->begin_ns));
  }
  stack(out, m, n->stack);
}

static void kernel_details(GString* out, const session* s) {
  const model* m = s->m;
  const model_kernel* k = &m->kernels[s->selected.index];
  char a[TEXT_SIZE], b[TEXT_SIZE];
  head(out, model_string(m, k->name));
  if (k->end_ns != UINT64_MAX) {
    double seconds = (double)(k->end_ns - k->begin_ns) / 1e9;
    row(out,
        "Time",
        "%s, from %s",
        text_ns(a, k->end_ns - k->begin_ns),
        text_ns(b, k->begin_ns));
    if (seconds > 0)
      row(out,
          "Rate",
          "%.2f GB/s, %.2f GFLOP/s",
          (double)(k->bytes_read + k->bytes_written) / seconds / 1e9,
          (double)k->flops / seconds / 1e9);
  }
  row(out, "Read", "%s", text_bytes(a, k->bytes_read));
  row(out, "Written", "%s", text_bytes(a, k->bytes_written));
  if (k->bytes_saved)
    row(out,
        "Not moved",
        "%s: intermediates that fusion kept in registers",
        text_bytes(a, k->bytes_saved));
  row(out, "Stream", "%u", k->stream);
  if (k->eval != MODEL_NONE)
    row(out, "Eval", "%llu", (unsigned long long)m->evals[k->eval].id);
  g_string_append(out, "\n<b>Nodes</b>\n");
  for (uint32_t i = 0; i < k->n_nodes && i < 24; i++) {
    uint32_t n = m->kernel_nodes[k->first_node + i];
    if (n == MODEL_NONE) continue;
    char where[256];
    summary_place_text(
        where,
        sizeof where,
        m,
        summary_place_of(m, model_node_stack(m, n)),
        false);
    row(out, model_string(m, m->nodes[n].op), "%s", where);
  }
}

static void eval_details(GString* out, const session* s) {
  const model* m = s->m;
  const model_eval* e = &m->evals[s->selected.index];
  char a[TEXT_SIZE], title[64];
  snprintf(title, sizeof title, "Eval %llu", (unsigned long long)e->id);
  head(out, title);
  row(out,
      "Trigger",
      "%s%s",
      text_trigger(e->trigger),
      e->is_async ? ", asynchronous" : "");
  place(out, m, "Asked for at", e->stack);
  if (e->end_ns != UINT64_MAX)
    row(out, "Call", "%s", text_ns(a, e->end_ns - e->begin_ns));
  else
    row(out, "Call", "it never returned");
  row(out,
      "Planning",
      "%s%s",
      text_ns(a, e->plan_ns),
      e->plan_cached ? " (plan known)" : "");
  row(out, "Nodes", "%u", e->nodes);
  row(out, "Kernels", "%u", e->kernels);
  if (e->failed) row(out, "Result", "it failed");
  stack(out, m, e->stack);
}

static void time_details(GString* out, const session* s) {
  const model* m = s->m;
  char a[TEXT_SIZE], b[TEXT_SIZE];
  model_peak p;
  if (model_memory_at(m, s->selected.time_ns, &p)) return;
  g_string_append_printf(
      out,
      "<span size='large' weight='bold'>Memory at %s</span>\n\n",
      text_ns(a, s->selected.time_ns));
  row(out, "In use", "%s", text_bytes(a, p.active));
  row(out, "Cached", "%s", text_bytes(a, p.cache));
  g_string_append(out, "\n<b>Alive then</b>\n");
  for (uint32_t i = 0; i < p.n_alive && i < 20; i++) {
    const model_alive* l = &p.alive[i];
    char where[256];
    summary_place_text(
        where, sizeof where, m, summary_place_of(m, l->stack), false);
    row(out,
        text_bytes(a, l->bytes),
        "%s  %s  ×%u, %s old",
        model_string(m, l->op),
        where,
        l->buffers,
        text_ns(b, s->selected.time_ns - l->oldest_ns));
  }
  model_peak_free(&p);
}

char* session_details(const session* s) {
  GString* out = g_string_new(NULL);
  switch (s->selected.kind) {
    case SELECT_NODE:
      node_details(out, s);
      break;
    case SELECT_KERNEL:
      kernel_details(out, s);
      break;
    case SELECT_EVAL:
      eval_details(out, s);
      break;
    case SELECT_TIME:
      time_details(out, s);
      break;
    default:
      g_string_append(
          out,
          "Click a node, a kernel, an eval or a moment: what is "
          "known of it stands here, and every page shows it.");
  }
  return g_string_free(out, FALSE);
}
