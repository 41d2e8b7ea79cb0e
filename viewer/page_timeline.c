/* Streams, kernels, evals, waits and memory on one axis of time. */
#include <math.h>

#include "page.h"
#include "text.h"

#define LABELS 110.0 /* left margin */
#define LANE 26.0
#define AXIS 26.0
#define CURVE 110.0

typedef struct timeline {
  session* s;
  GtkWidget* area;
  double from, to; /* ns shown */
  double drag_from, drag_to;
} timeline;

static double to_x(const timeline* t, double ns, double width) {
  return LABELS + (ns - t->from) / (t->to - t->from) * (width - LABELS - 12);
}
static double to_ns(const timeline* t, double x, double width) {
  return t->from + (x - LABELS) / (width - LABELS - 12) * (t->to - t->from);
}

static void axis(timeline* t, cairo_t* cr, double w, double h) {
  const page_colours* c = page_palette(t->s->dark);
  double span = t->to - t->from, step = pow(10, floor(log10(span / 5)));
  if (span / step > 12)
    step *= 5;
  else if (span / step > 7)
    step *= 2;
  for (double ns = ceil(t->from / step) * step; ns <= t->to; ns += step) {
    double x = to_x(t, ns, w);
    char text[TEXT_SIZE];
    page_set(cr, &c->grid);
    cairo_rectangle(cr, x, AXIS - 4, 1, h - AXIS);
    cairo_fill(cr);
    page_set(cr, &c->faint);
    page_text(cr, x + 3, AXIS - 9, 10.5, false, text_ns(text, (uint64_t)ns));
  }
}

static void label(timeline* t, cairo_t* cr, double y, const char* text) {
  page_set(cr, &page_palette(t->s->dark)->text);
  page_text(cr, 10, y + LANE / 2 + 4, 11, true, text);
}

/* A bar at least one pixel wide, with its name where that fits. */
static void bar(
    timeline* t,
    cairo_t* cr,
    double w,
    double y,
    uint64_t begin,
    uint64_t end,
    uint32_t rgb,
    const char* name,
    bool chosen) {
  if (end == UINT64_MAX) end = t->s->m->info.duration_ns;
  if ((double)end < t->from || (double)begin > t->to) return;
  double x0 = fmax(to_x(t, (double)begin, w), LABELS);
  double x1 = fmin(to_x(t, (double)end, w), w - 12);
  double width = fmax(x1 - x0, 1.5);
  page_set_rgb(cr, rgb);
  cairo_rectangle(cr, x0, y + 3, width, LANE - 6);
  cairo_fill(cr);
  if (chosen) {
    page_set(cr, &page_palette(t->s->dark)->accent);
    cairo_set_line_width(cr, 2.5);
    cairo_rectangle(cr, x0 - 1, y + 2, width + 2, LANE - 4);
    cairo_stroke(cr);
  }
  if (width < 46 || !name) return;
  cairo_save(cr);
  cairo_rectangle(cr, x0, y, width - 4, LANE);
  cairo_clip(cr);
  page_set_rgb(cr, 0x1c2128);
  page_text(cr, x0 + 5, y + LANE / 2 + 4, 10.5, false, name);
  cairo_restore(cr);
}

static double lanes_of_kernels(timeline* t, cairo_t* cr, double w, double y) {
  const model* m = t->s->m;
  uint32_t chosen = session_kernel(t->s);
  for (uint32_t s = 0; s < m->n_streams; s++) {
    char name[64];
    snprintf(
        name, sizeof name, "Stream %s", model_string(m, m->streams[s].name));
    label(t, cr, y, name);
    for (uint32_t i = 0; i < m->n_kernels; i++) {
      const model_kernel* k = &m->kernels[i];
      if (k->stream != m->streams[s].index && k->stream != s) continue;
      if (k->stream != m->streams[s].index) continue;
      const char* text = model_string(m, k->name);
      if (k->end_ns == k->begin_ns) continue;
      bar(t,
          cr,
          w,
          y,
          k->begin_ns,
          k->end_ns,
          page_name_colour(text),
          text,
          i == chosen);
    }
    y += LANE;
  }
  return y;
}

static void curves(timeline* t, cairo_t* cr, double w, double y) {
  const model* m = t->s->m;
  const page_colours* c = page_palette(t->s->dark);
  uint64_t top = 1;
  for (uint32_t i = 0; i < m->n_memory; i++)
    top = MAX(top, m->memory[i].active + m->memory[i].cache);
  char text[TEXT_SIZE];
  label(t, cr, y, "Memory");
  page_set(cr, &c->faint);
  page_text(cr, 10, y + 34, 10, false, text_bytes(text, top));
  double base = y + CURVE;
  for (int pass = 0; pass < 2; pass++) { /* with the cache, then without */
    double last = base;
    cairo_move_to(cr, LABELS, base);
    for (uint32_t i = 0; i < m->n_memory; i++) {
      const model_memory* p = &m->memory[i];
      double x = CLAMP(to_x(t, (double)p->time_ns, w), LABELS, w - 12);
      uint64_t bytes = p->active + (pass == 0 ? p->cache : 0);
      cairo_line_to(cr, x, last);
      last = base - (CURVE - 14) * (double)bytes / (double)top;
      cairo_line_to(cr, x, last);
    }
    cairo_line_to(cr, w - 12, last);
    cairo_line_to(cr, w - 12, base);
    cairo_close_path(cr);
    if (pass == 0)
      page_set(cr, &c->cache);
    else
      cairo_set_source_rgba(
          cr, c->accent.red, c->accent.green, c->accent.blue, .75);
    cairo_fill(cr);
  }
}

static void draw(
    GtkDrawingArea* area, cairo_t* cr, int w, int h, gpointer user) {
  (void)area;
  timeline* t = user;
  const model* m = t->s->m;
  const page_colours* c = page_palette(t->s->dark);
  page_set(cr, &c->ground);
  cairo_paint(cr);
  axis(t, cr, w, h);
  double y = AXIS;
  uint32_t chosen = session_eval(t->s);
  label(t, cr, y, "Evals");
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* e = &m->evals[i];
    bar(t,
        cr,
        w,
        y,
        e->begin_ns,
        e->end_ns,
        e->is_async ? 0xf2d57e : 0x9fc0ee,
        text_trigger(e->trigger),
        i == chosen);
  }
  y = lanes_of_kernels(t, cr, w, y + LANE);
  label(t, cr, y, "Waits");
  for (uint32_t i = 0; i < m->n_waits; i++)
    bar(t,
        cr,
        w,
        y,
        m->waits[i].begin_ns,
        m->waits[i].end_ns,
        0xe6a0a0,
        text_wait(m->waits[i].reason),
        false);
  y += LANE;
  if (m->n_regions) {
    label(t, cr, y, "Regions");
    for (uint32_t i = 0; i < m->n_regions; i++)
      bar(t,
          cr,
          w,
          y,
          m->regions[i].begin_ns,
          m->regions[i].end_ns,
          0xc9b8e8,
          model_string(m, m->regions[i].name),
          false);
    y += LANE;
  }
  curves(t, cr, w, y + 8);
  if (t->s->selected.kind == SELECT_TIME) {
    page_set(cr, &c->boundary);
    cairo_rectangle(
        cr, to_x(t, (double)t->s->selected.time_ns, w), AXIS, 1.5, h);
    cairo_fill(cr);
  }
}

static void limit(timeline* t) {
  double whole = fmax((double)t->s->m->info.duration_ns, 1000);
  double span = CLAMP(t->to - t->from, 200, whole * 1.02);
  t->from = CLAMP(t->from, -0.01 * whole, whole * 1.01 - span);
  t->to = t->from + span;
  gtk_widget_queue_draw(t->area);
}

static void zoom(timeline* t, double factor, double at) {
  t->from = at - (at - t->from) * factor;
  t->to = at + (t->to - at) * factor;
  limit(t);
}

static gboolean scrolled(
    GtkEventControllerScroll* c, double dx, double dy, gpointer user) {
  (void)c;
  timeline* t = user;
  if (fabs(dx) > fabs(dy)) {
    double by = dx * (t->to - t->from) / 15;
    t->from += by;
    t->to += by;
    limit(t);
  } else {
    zoom(t, pow(1.2, dy), (t->from + t->to) / 2);
  }
  return TRUE;
}

static void drag_begin(GtkGestureDrag* g, double x, double y, gpointer user) {
  (void)g, (void)x, (void)y;
  timeline* t = user;
  t->drag_from = t->from;
  t->drag_to = t->to;
}

static void drag_update(
    GtkGestureDrag* g, double dx, double dy, gpointer user) {
  (void)g, (void)dy;
  timeline* t = user;
  double w = gtk_widget_get_width(t->area);
  double by = dx / (w - LABELS - 12) * (t->drag_to - t->drag_from);
  t->from = t->drag_from - by;
  t->to = t->drag_to - by;
  limit(t);
}

static void clicked(
    GtkGestureClick* g, int n, double x, double y, gpointer user) {
  (void)g, (void)n;
  timeline* t = user;
  const model* m = t->s->m;
  double w = gtk_widget_get_width(t->area), ns = to_ns(t, x, w);
  gtk_widget_grab_focus(t->area);
  if (x < LABELS || ns < 0) return;
  uint64_t at = (uint64_t)ns, near = (uint64_t)((t->to - t->from) / w * 3);
  int lane = (int)floor((y - AXIS) / LANE);
  if (lane == 0) {
    for (uint32_t i = m->n_evals; i-- > 0;)
      if (m->evals[i].begin_ns <= at + near &&
          (m->evals[i].end_ns == UINT64_MAX ||
           m->evals[i].end_ns + near >= at)) {
        session_select(t->s, SELECT_EVAL, i, at);
        return;
      }
  } else if (lane > 0 && (uint32_t)lane <= m->n_streams) {
    uint32_t stream = m->streams[lane - 1].index;
    for (uint32_t i = m->n_kernels; i-- > 0;) {
      const model_kernel* k = &m->kernels[i];
      if (k->stream == stream && k->begin_ns <= at + near &&
          k->end_ns + near >= at) {
        session_select(t->s, SELECT_KERNEL, i, at);
        return;
      }
    }
  }
  session_select(t->s, SELECT_TIME, 0, at);
}

static gboolean key(
    GtkEventControllerKey* c,
    guint value,
    guint code,
    GdkModifierType mods,
    gpointer user) {
  (void)c, (void)code;
  timeline* t = user;
  if (mods & (GDK_CONTROL_MASK | GDK_ALT_MASK)) return FALSE;
  double step = (t->to - t->from) / 10, middle = (t->from + t->to) / 2;
  switch (value) {
    case GDK_KEY_Left:
      t->from -= step, t->to -= step;
      break;
    case GDK_KEY_Right:
      t->from += step, t->to += step;
      break;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
      zoom(t, 0.8, middle);
      break;
    case GDK_KEY_minus:
      zoom(t, 1.25, middle);
      break;
    case GDK_KEY_0:
      t->from = 0, t->to = 1e18;
      break;
    default:
      return FALSE;
  }
  limit(t);
  return TRUE;
}

static void changed(session* s, void* user) {
  timeline* t = user;
  uint64_t at = s->selected.time_ns;
  if (s->selected.kind != SELECT_NOTHING && s->selected.kind != SELECT_NODE &&
      ((double)at < t->from || (double)at > t->to)) {
    double span = t->to - t->from;
    t->from = (double)at - span / 2;
    t->to = t->from + span;
    limit(t);
  }
  gtk_widget_queue_draw(t->area);
}

GtkWidget* page_timeline(session* s) {
  timeline* t = g_new0(timeline, 1);
  t->s = s;
  t->area = gtk_drawing_area_new();
  t->from = 0;
  t->to = fmax((double)s->m->info.duration_ns, 1000);
  gtk_widget_set_hexpand(t->area, TRUE);
  gtk_widget_set_vexpand(t->area, TRUE);
  gtk_widget_set_focusable(t->area, TRUE);
  gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(t->area), draw, t, NULL);
  g_object_set_data_full(G_OBJECT(t->area), "page", t, g_free);
  GtkEventController* scroll =
      gtk_event_controller_scroll_new(GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  g_signal_connect(scroll, "scroll", G_CALLBACK(scrolled), t);
  gtk_widget_add_controller(t->area, scroll);
  GtkGesture* drag = gtk_gesture_drag_new();
  g_signal_connect(drag, "drag-begin", G_CALLBACK(drag_begin), t);
  g_signal_connect(drag, "drag-update", G_CALLBACK(drag_update), t);
  gtk_widget_add_controller(t->area, GTK_EVENT_CONTROLLER(drag));
  GtkGesture* click = gtk_gesture_click_new();
  g_signal_connect(click, "released", G_CALLBACK(clicked), t);
  gtk_widget_add_controller(t->area, GTK_EVENT_CONTROLLER(click));
  GtkEventController* keys = gtk_event_controller_key_new();
  g_signal_connect(keys, "key-pressed", G_CALLBACK(key), t);
  gtk_widget_add_controller(t->area, keys);
  session_listen(s, changed, t);
  return t->area;
}
