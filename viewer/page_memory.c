/* Memory over time, and what was alive at the chosen moment; the peak first. */
#include <math.h>

#include "page.h"
#include "text.h"

#define MARGIN 80.0

typedef struct memory_page {
  session* s;
  GtkWidget* area;
  GtkListStore* rows;
  GtkWidget* title;
  uint64_t at;
} memory_page;

static double to_x(const memory_page* p, uint64_t ns, double w) {
  double all = fmax((double)p->s->m->info.duration_ns, 1);
  return MARGIN + (double)ns / all * (w - MARGIN - 16);
}

static void draw(
    GtkDrawingArea* area, cairo_t* cr, int w, int h, gpointer user) {
  (void)area;
  memory_page* p = user;
  const model* m = p->s->m;
  const page_colours* c = page_palette(p->s->dark);
  page_set(cr, &c->ground);
  cairo_paint(cr);
  uint64_t top = 1;
  for (uint32_t i = 0; i < m->n_memory; i++)
    top = MAX(top, m->memory[i].active + m->memory[i].cache);
  double base = h - 24, height = h - 44;
  for (int k = 0; k <= 4; k++) {
    char text[TEXT_SIZE];
    double y = base - height * k / 4;
    page_set(cr, &c->grid);
    cairo_rectangle(cr, MARGIN, y, w - MARGIN - 16, 1);
    cairo_fill(cr);
    page_set(cr, &c->faint);
    page_text(
        cr, 8, y + 4, 10.5, false, text_bytes(text, top / 4 * (uint64_t)k));
  }
  for (int pass = 0; pass < 2; pass++) {
    double last = base;
    cairo_move_to(cr, MARGIN, base);
    for (uint32_t i = 0; i < m->n_memory; i++) {
      uint64_t bytes = m->memory[i].active + (pass ? 0 : m->memory[i].cache);
      double x = to_x(p, m->memory[i].time_ns, w);
      cairo_line_to(cr, x, last);
      last = base - height * (double)bytes / (double)top;
      cairo_line_to(cr, x, last);
    }
    cairo_line_to(cr, w - 16, last);
    cairo_line_to(cr, w - 16, base);
    cairo_close_path(cr);
    if (pass)
      cairo_set_source_rgba(
          cr, c->accent.red, c->accent.green, c->accent.blue, .75);
    else
      page_set(cr, &c->cache);
    cairo_fill(cr);
  }
  page_set(cr, &c->boundary);
  cairo_rectangle(cr, to_x(p, p->at, w), 12, 2, base - 12);
  cairo_fill(cr);
  page_set(cr, &c->text);
  page_text(
      cr,
      MARGIN,
      h - 7,
      10.5,
      false,
      "dark: in use   pale: cached   click: what was alive then");
}

static void fill(memory_page* p) {
  const model* m = p->s->m;
  model_peak at;
  gtk_list_store_clear(p->rows);
  if (model_memory_at(m, p->at, &at)) return;
  for (uint32_t i = 0; i < at.n_alive; i++) {
    const model_alive* l = &at.alive[i];
    char bytes[TEXT_SIZE], share[16], count[TEXT_SIZE], age[TEXT_SIZE],
        where[256];
    summary_place_text(
        where, sizeof where, m, summary_place_of(m, l->stack), false);
    snprintf(
        share,
        sizeof share,
        "%.1f %%",
        at.active ? 100.0 * (double)l->bytes / (double)at.active : 0);
    uint32_t node =
        l->array == MODEL_NONE ? MODEL_NONE : m->arrays[l->array].node;
    gtk_list_store_insert_with_values(
        p->rows,
        NULL,
        -1,
        0,
        node,
        1,
        text_bytes(bytes, l->bytes),
        2,
        share,
        3,
        text_count(count, l->buffers),
        4,
        model_string(m, l->op),
        5,
        where,
        6,
        text_ns(age, p->at > l->oldest_ns ? p->at - l->oldest_ns : 0),
        -1);
  }
  char when[TEXT_SIZE], used[TEXT_SIZE], cached[TEXT_SIZE];
  char* text = g_strdup_printf(
      "At %s: %s in use, %s cached. Made by:",
      text_ns(when, p->at),
      text_bytes(used, at.active),
      text_bytes(cached, at.cache));
  gtk_label_set_text(GTK_LABEL(p->title), text);
  g_free(text);
  model_peak_free(&at);
}

static void chosen(session* s, uint32_t node) {
  session_select(s, SELECT_NODE, node, s->m->nodes[node].time_ns);
}

static void clicked(
    GtkGestureClick* g, int n, double x, double y, gpointer user) {
  (void)g, (void)n, (void)y;
  memory_page* p = user;
  double w = gtk_widget_get_width(p->area);
  double ns =
      (x - MARGIN) / (w - MARGIN - 16) * (double)p->s->m->info.duration_ns;
  session_select(
      p->s,
      SELECT_TIME,
      0,
      (uint64_t)CLAMP(ns, 0, (double)p->s->m->info.duration_ns));
}

static void changed(session* s, void* user) {
  memory_page* p = user;
  if (s->selected.kind != SELECT_TIME) return;
  p->at = s->selected.time_ns;
  fill(p);
  gtk_widget_queue_draw(p->area);
}

GtkWidget* page_memory(session* s) {
  static const char* const titles[] = {
      ">Bytes", ">Share", ">Buffers", "Made by", "At", ">Age"};
  memory_page* p = g_new0(memory_page, 1);
  p->s = s;
  model_peak peak;
  if (model_memory_peak(s->m, &peak) == 0) {
    p->at = peak.time_ns;
    model_peak_free(&peak);
  }
  p->area = gtk_drawing_area_new();
  gtk_widget_set_size_request(p->area, -1, 260);
  gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(p->area), draw, p, NULL);
  GtkGesture* click = gtk_gesture_click_new();
  g_signal_connect(click, "released", G_CALLBACK(clicked), p);
  gtk_widget_add_controller(p->area, GTK_EVENT_CONTROLLER(click));
  p->title = gtk_label_new("");
  gtk_label_set_xalign(GTK_LABEL(p->title), 0);
  gtk_widget_add_css_class(p->title, "heading");
  gtk_widget_set_margin_start(p->title, 12);
  gtk_widget_set_margin_top(p->title, 8);
  gtk_widget_set_margin_bottom(p->title, 8);
  p->rows = gtk_list_store_new(
      7,
      G_TYPE_UINT,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING);
  g_object_ref(p->rows);
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(box), p->area);
  gtk_box_append(GTK_BOX(box), p->title);
  gtk_box_append(
      GTK_BOX(box),
      page_table(s, G_N_ELEMENTS(titles), titles, p->rows, chosen));
  g_object_set_data_full(G_OBJECT(box), "page", p, g_free);
  session_listen(s, changed, p);
  fill(p);
  return box;
}
