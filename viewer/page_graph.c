/* The graph of one evaluation or of all: evaluations and fused kernels as
 * clusters, boundaries as red dashed edges. */
#include <string.h>

#include "canvas_view.h"
#include "draw.h"
#include "page.h"
#include "text.h"

typedef struct graph_page {
  session* s;
  canvas_view* view;
  GtkWidget* which; /* of the evaluations */
  GtkWidget* search;
  graph g;
  layout_result r;
  bool made;
  bool filling; /* the list changes by program, not by hand */
  uint32_t eval;
  graph_by by;
} graph_page;

static void page_make(graph_page* p) {
  if (p->made) {
    layout_free(&p->r);
    graph_free(&p->g);
    p->made = false;
  }
  if (graph_make(p->s->m, p->eval, &p->g)) return;
  if (draw_layout(&p->g, &p->r)) {
    graph_free(&p->g);
    return;
  }
  p->made = true;
  canvas_view_size(p->view, p->r.width, p->r.height);
}

static bool meets(layout_box b, double x0, double y0, double x1, double y1) {
  return b.x < x1 && b.y < y1 && b.x + b.width > x0 && b.y + b.height > y0;
}

static void rounded(cairo_t* cr, layout_box b, double radius) {
  double x = b.x, y = b.y, w = b.width, h = b.height;
  cairo_new_sub_path(cr);
  cairo_arc(cr, x + w - radius, y + radius, radius, -G_PI / 2, 0);
  cairo_arc(cr, x + w - radius, y + h - radius, radius, 0, G_PI / 2);
  cairo_arc(cr, x + radius, y + h - radius, radius, G_PI / 2, G_PI);
  cairo_arc(cr, x + radius, y + radius, radius, G_PI, 3 * G_PI / 2);
  cairo_close_path(cr);
}

static bool is_selected(const graph_page* p, uint32_t node) {
  const session_selection* at = &p->s->selected;
  if (node == MODEL_NONE) return false;
  if (at->kind == SELECT_NODE) return at->index == node;
  if (at->kind == SELECT_KERNEL)
    return p->s->m->nodes[node].kernel == at->index;
  return false;
}

static void draw_clusters(
    graph_page* p,
    cairo_t* cr,
    double x0,
    double y0,
    double x1,
    double y1,
    double scale) {
  char title[GRAPH_LINE];
  for (uint32_t i = 0; i < p->g.n_clusters; i++) {
    layout_box b = p->r.clusters[i];
    if (b.width <= 0 || !meets(b, x0, y0, x1, y1)) continue;
    bool kernel = p->g.clusters[i].kernel != MODEL_NONE;
    rounded(cr, b, 8);
    if (p->s->dark)
      page_set_rgb(cr, kernel ? 0x24382b : 0x1d2430);
    else
      page_set_rgb(cr, kernel ? 0xe4efe6 : 0xf3f6fb);
    cairo_fill_preserve(cr);
    page_set_rgb(cr, kernel ? 0x6aa57c : 0x8da2c0);
    cairo_set_line_width(cr, 1.2);
    cairo_stroke(cr);
    if (scale < 0.25) continue;
    page_set_rgb(
        cr,
        p->s->dark ? (kernel ? 0x9bd3ab : 0xa9c1ea)
                   : (kernel ? 0x2f6b42 : 0x33507f));
    page_text(cr, b.x + 10, b.y + 16, 11, true, graph_title(title, &p->g, i));
  }
}

static void draw_edges(
    graph_page* p, cairo_t* cr, double x0, double y0, double x1, double y1) {
  const page_colours* c = page_palette(p->s->dark);
  for (uint32_t i = 0; i < p->g.n_edges; i++) {
    layout_way way = p->r.edges[i];
    if (way.count < 2) continue;
    const layout_point* at = p->r.points + way.first;
    const layout_point* end = at + way.count - 1;
    if (MAX(at->y, end->y) < y0 || MIN(at->y, end->y) > y1) continue;
    if (MAX(at->x, end->x) < x0 - 2000 || MIN(at->x, end->x) > x1 + 2000)
      continue;
    bool boundary = p->g.edges[i].boundary;
    page_set(cr, boundary ? &c->boundary : &c->edge);
    cairo_set_line_width(cr, boundary ? 1.6 : 1.1);
    const double dash[] = {6, 4};
    cairo_set_dash(cr, dash, boundary ? 2 : 0, 0);
    cairo_move_to(cr, at->x, at->y);
    for (uint32_t k = 1; k < way.count; k++) {
      double middle = (at[k - 1].y + at[k].y) / 2;
      cairo_curve_to(
          cr, at[k - 1].x, middle, at[k].x, middle, at[k].x, at[k].y);
    }
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    cairo_move_to(cr, end->x, end->y);
    cairo_line_to(cr, end->x - 4, end->y - 8);
    cairo_line_to(cr, end->x + 4, end->y - 8);
    cairo_fill(cr);
  }
}

static void draw_vertex(graph_page* p, cairo_t* cr, uint32_t v, double scale) {
  const page_colours* c = page_palette(p->s->dark);
  const graph_vertex* vertex = &p->g.vertices[v];
  layout_box b = p->r.nodes[v];
  rounded(cr, b, vertex->kind == GRAPH_LEAF ? b.height / 2 : 5);
  page_set_rgb(cr, graph_colour(&p->g, v, p->by));
  cairo_fill_preserve(cr);
  bool chosen = is_selected(p, vertex->node);
  const double dash[] = {4, 3};
  cairo_set_dash(
      cr, dash, vertex->kind == GRAPH_OUTSIDE || vertex->never ? 2 : 0, 0);
  if (chosen)
    page_set(cr, &c->accent);
  else if (vertex->kind == GRAPH_OUTSIDE)
    page_set(cr, &c->boundary);
  else
    page_set_rgb(cr, vertex->output ? 0x1f3b73 : 0x7a8699);
  cairo_set_line_width(cr, chosen ? 4 : vertex->output ? 2.4 : 1);
  cairo_stroke(cr);
  cairo_set_dash(cr, NULL, 0, 0);
  if (scale < 0.3) return;
  char lines[GRAPH_LINES][GRAPH_LINE];
  int n = graph_label(&p->g, v, lines);
  for (int i = 0; i < n; i++) {
    cairo_text_extents_t e;
    cairo_select_font_face(
        cr,
        "sans-serif",
        CAIRO_FONT_SLANT_NORMAL,
        i ? CAIRO_FONT_WEIGHT_NORMAL : CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cr, i ? 10.5 : 11);
    cairo_text_extents(cr, lines[i], &e);
    page_set_rgb(cr, i ? 0x333333 : 0x000000);
    cairo_move_to(cr, b.x + (b.width - e.x_advance) / 2, b.y + 16 + 14 * i);
    cairo_show_text(cr, lines[i]);
  }
}

static void draw_page(
    cairo_t* cr,
    double x0,
    double y0,
    double x1,
    double y1,
    double scale,
    void* user) {
  graph_page* p = user;
  page_set(cr, &page_palette(p->s->dark)->ground);
  cairo_paint(cr);
  if (!p->made) return;
  draw_clusters(p, cr, x0, y0, x1, y1, scale);
  if (scale > 0.02) draw_edges(p, cr, x0, y0, x1, y1);
  for (uint32_t v = 0; v < p->g.n_vertices; v++)
    if (meets(p->r.nodes[v], x0, y0, x1, y1)) draw_vertex(p, cr, v, scale);
}

static bool holds(layout_box b, double x, double y) {
  return x >= b.x && y >= b.y && x <= b.x + b.width && y <= b.y + b.height;
}

static void click(double x, double y, void* user) {
  graph_page* p = user;
  if (!p->made) return;
  for (uint32_t v = 0; v < p->g.n_vertices; v++)
    if (holds(p->r.nodes[v], x, y) && p->g.vertices[v].node != MODEL_NONE) {
      uint32_t node = p->g.vertices[v].node;
      session_select(p->s, SELECT_NODE, node, p->s->m->nodes[node].time_ns);
      return;
    }
  for (uint32_t i = p->g.n_clusters; i-- > 0;)
    if (p->r.clusters[i].width > 0 && holds(p->r.clusters[i], x, y)) {
      const graph_cluster* c = &p->g.clusters[i];
      if (c->kernel != MODEL_NONE)
        session_select(
            p->s,
            SELECT_KERNEL,
            c->kernel,
            p->s->m->kernels[c->kernel].begin_ns);
      else
        session_select(
            p->s, SELECT_EVAL, c->eval, p->s->m->evals[c->eval].begin_ns);
      return;
    }
}

/* Shows the first vertex that `fits` says yes to; from `start` on, around. */
static void show(graph_page* p, uint32_t v) {
  layout_box b = p->r.nodes[v];
  canvas_view_show(p->view, b.x, b.y, b.width, b.height);
}

static void changed(session* s, void* user) {
  graph_page* p = user;
  uint32_t eval = session_eval(s);
  if (p->eval != MODEL_NONE && eval != MODEL_NONE && eval != p->eval) {
    p->eval = eval;
    page_make(p);
    p->filling = true;
    gtk_drop_down_set_selected(GTK_DROP_DOWN(p->which), eval + 1);
    p->filling = false;
  }
  if (p->made &&
      (s->selected.kind == SELECT_NODE || s->selected.kind == SELECT_KERNEL))
    for (uint32_t v = 0; v < p->g.n_vertices; v++)
      if (is_selected(p, p->g.vertices[v].node)) {
        show(p, v);
        break;
      }
  canvas_view_redraw(p->view);
}

static void eval_chosen(GtkDropDown* list, GParamSpec* spec, gpointer user) {
  (void)spec;
  graph_page* p = user;
  if (p->filling) return;
  guint at = gtk_drop_down_get_selected(list);
  p->eval = at == 0 || at == GTK_INVALID_LIST_POSITION ? MODEL_NONE : at - 1;
  page_make(p);
}

static void colour_chosen(GtkDropDown* list, GParamSpec* spec, gpointer user) {
  (void)spec;
  graph_page* p = user;
  p->by = (graph_by)gtk_drop_down_get_selected(list);
  canvas_view_redraw(p->view);
}

/* The next vertex whose text holds what is sought. */
static void search(GtkSearchEntry* entry, gpointer user) {
  graph_page* p = user;
  const char* word = gtk_editable_get_text(GTK_EDITABLE(entry));
  if (!p->made || !*word) return;
  char* wanted = g_utf8_casefold(word, -1);
  static uint32_t last;
  for (uint32_t k = 1; k <= p->g.n_vertices; k++) {
    uint32_t v = (last + k) % p->g.n_vertices;
    char lines[GRAPH_LINES][GRAPH_LINE], place[GRAPH_LINE];
    int n = graph_label(&p->g, v, lines);
    bool hit = false;
    for (int i = 0; i <= n && !hit; i++) {
      const char* text = i < n ? lines[i] : graph_place(place, &p->g, v);
      char* folded = g_utf8_casefold(text, -1);
      hit = strstr(folded, wanted) != NULL;
      g_free(folded);
    }
    if (!hit) continue;
    last = v;
    show(p, v);
    if (p->g.vertices[v].node != MODEL_NONE)
      session_select(p->s, SELECT_NODE, p->g.vertices[v].node, 0);
    break;
  }
  g_free(wanted);
}

static GtkWidget* eval_list(const session* s) {
  const model* m = s->m;
  GtkStringList* names = gtk_string_list_new(NULL);
  gtk_string_list_append(names, "All evals");
  for (uint32_t i = 0; i < m->n_evals; i++) {
    char place[160], text[256];
    summary_place_text(
        place, sizeof place, m, summary_place_of(m, m->evals[i].stack), false);
    snprintf(
        text,
        sizeof text,
        "Eval %llu · %s · %s",
        (unsigned long long)m->evals[i].id,
        text_trigger(m->evals[i].trigger),
        place);
    char* valid = g_utf8_make_valid(text, -1);
    gtk_string_list_append(names, valid);
    g_free(valid);
  }
  return gtk_drop_down_new(G_LIST_MODEL(names), NULL);
}

static void destroyed(gpointer data) {
  graph_page* p = data;
  if (p->made) {
    layout_free(&p->r);
    graph_free(&p->g);
  }
  g_free(p);
}

GtkWidget* page_graph(session* s) {
  static const char* const colours[] = {
      "Colour by time", "Colour by bytes", "Colour by dtype", NULL};
  graph_page* p = g_new0(graph_page, 1);
  p->s = s;
  p->eval = s->shown_eval;
  p->view = canvas_view_new(&(canvas_view_calls){draw_page, click, p});
  p->which = eval_list(s);
  gtk_drop_down_set_selected(
      GTK_DROP_DOWN(p->which), p->eval == MODEL_NONE ? 0 : p->eval + 1);
  g_signal_connect(p->which, "notify::selected", G_CALLBACK(eval_chosen), p);
  GtkWidget* colour = gtk_drop_down_new_from_strings(colours);
  g_signal_connect(colour, "notify::selected", G_CALLBACK(colour_chosen), p);
  p->search = gtk_search_entry_new();
  gtk_widget_set_name(p->search, "search");
  g_object_set(p->search, "placeholder-text", "Operation, shape, file…", NULL);
  g_signal_connect(p->search, "activate", G_CALLBACK(search), p);
  GtkWidget* bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
  gtk_widget_add_css_class(bar, "toolbar");
  gtk_box_append(GTK_BOX(bar), p->which);
  gtk_box_append(GTK_BOX(bar), colour);
  gtk_box_append(GTK_BOX(bar), p->search);
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(box), bar);
  gtk_box_append(GTK_BOX(box), canvas_view_widget(p->view));
  g_object_set_data_full(G_OBJECT(box), "page", p, destroyed);
  session_listen(s, changed, p);
  page_make(p);
  return box;
}
