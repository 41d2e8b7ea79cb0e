#include "canvas_view.h"

#include <math.h>

#define ZOOM_LEAST 0.004
#define ZOOM_MOST 6.0
#define LEGIBLE 0.55 /* below this texts cannot be read */

struct canvas_view {
  canvas_view_calls calls;
  GtkWidget* area;
  double width, height; /* of the picture */
  double x, y, scale;   /* picture point in the upper left corner */
  double drag_x, drag_y, at_x, at_y;
  gboolean fitted;
};

static void redraw(canvas_view* v) {
  gtk_widget_queue_draw(v->area);
}
void canvas_view_redraw(canvas_view* v) {
  redraw(v);
}

static void zoom_at(canvas_view* v, double factor, double px, double py) {
  double scale = CLAMP(v->scale * factor, ZOOM_LEAST, ZOOM_MOST);
  v->x += px / v->scale - px / scale;
  v->y += py / v->scale - py / scale;
  v->scale = scale;
  redraw(v);
}

void canvas_view_zoom(canvas_view* v, double factor) {
  zoom_at(
      v,
      factor,
      gtk_widget_get_width(v->area) / 2.0,
      gtk_widget_get_height(v->area) / 2.0);
}

void canvas_view_fit(canvas_view* v) {
  double w = gtk_widget_get_width(v->area), h = gtk_widget_get_height(v->area);
  if (w < 2 || h < 2 || v->width <= 0) return;
  double all = fmin(w / (v->width + 40), h / (v->height + 40));
  v->scale = CLAMP(all, LEGIBLE, 1.25);
  v->x = -fmax(20, (w / v->scale - v->width) / 2);
  v->y = -fmax(20, (h / v->scale - v->height) / 2);
  if (v->width > w / v->scale) v->x = (v->width - w / v->scale) / 2;
  v->fitted = TRUE;
  redraw(v);
}

void canvas_view_show(canvas_view* v, double x, double y, double w, double h) {
  double aw = gtk_widget_get_width(v->area),
         ah = gtk_widget_get_height(v->area);
  if (v->scale < LEGIBLE) v->scale = 1;
  /* What can be seen already need not move. */
  if (x < v->x || y < v->y || x + w > v->x + aw / v->scale ||
      y + h > v->y + ah / v->scale) {
    v->x = x + w / 2 - aw / v->scale / 2;
    v->y = y + h / 2 - ah / v->scale / 2;
  }
  redraw(v);
}

void canvas_view_size(canvas_view* v, double width, double height) {
  v->width = width;
  v->height = height;
  v->fitted = FALSE;
  redraw(v);
}

static void draw(
    GtkDrawingArea* area, cairo_t* cr, int w, int h, gpointer user) {
  (void)area;
  canvas_view* v = user;
  if (!v->fitted) canvas_view_fit(v);
  cairo_scale(cr, v->scale, v->scale);
  cairo_translate(cr, -v->x, -v->y);
  v->calls.draw(
      cr,
      v->x,
      v->y,
      v->x + w / v->scale,
      v->y + h / v->scale,
      v->scale,
      v->calls.user);
}

static void moved(
    GtkEventControllerMotion* c, double x, double y, gpointer user) {
  (void)c;
  canvas_view* v = user;
  v->at_x = x;
  v->at_y = y;
}

static gboolean scrolled(
    GtkEventControllerScroll* c, double dx, double dy, gpointer user) {
  canvas_view* v = user;
  GdkModifierType mods =
      gtk_event_controller_get_current_event_state(GTK_EVENT_CONTROLLER(c));
  if (mods & GDK_SHIFT_MASK) {
    v->x += 60 * (dx + dy) / v->scale;
    redraw(v);
  } else if (fabs(dx) > fabs(dy)) {
    v->x += 60 * dx / v->scale;
    redraw(v);
  } else {
    zoom_at(v, pow(1.15, -dy), v->at_x, v->at_y);
  }
  return TRUE;
}

static void drag_begin(GtkGestureDrag* g, double x, double y, gpointer user) {
  (void)g, (void)x, (void)y;
  canvas_view* v = user;
  v->drag_x = v->x;
  v->drag_y = v->y;
}

static void drag_update(
    GtkGestureDrag* g, double dx, double dy, gpointer user) {
  (void)g;
  canvas_view* v = user;
  v->x = v->drag_x - dx / v->scale;
  v->y = v->drag_y - dy / v->scale;
  redraw(v);
}

static void clicked(
    GtkGestureClick* g, int n, double x, double y, gpointer user) {
  (void)g, (void)n;
  canvas_view* v = user;
  gtk_widget_grab_focus(v->area);
  v->calls.click(v->x + x / v->scale, v->y + y / v->scale, v->calls.user);
}

static gboolean key(
    GtkEventControllerKey* c,
    guint value,
    guint code,
    GdkModifierType mods,
    gpointer user) {
  (void)c, (void)code;
  canvas_view* v = user;
  if (mods & (GDK_CONTROL_MASK | GDK_ALT_MASK)) return FALSE;
  double step = 80 / v->scale;
  switch (value) {
    case GDK_KEY_Left:
      v->x -= step;
      break;
    case GDK_KEY_Right:
      v->x += step;
      break;
    case GDK_KEY_Up:
      v->y -= step;
      break;
    case GDK_KEY_Down:
      v->y += step;
      break;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
      canvas_view_zoom(v, 1.25);
      break;
    case GDK_KEY_minus:
      canvas_view_zoom(v, 0.8);
      break;
    case GDK_KEY_0:
      canvas_view_fit(v);
      break;
    default:
      return FALSE;
  }
  redraw(v);
  return TRUE;
}

canvas_view* canvas_view_new(const canvas_view_calls* calls) {
  canvas_view* v = g_new0(canvas_view, 1);
  v->calls = *calls;
  v->scale = 1;
  v->area = gtk_drawing_area_new();
  gtk_widget_set_hexpand(v->area, TRUE);
  gtk_widget_set_vexpand(v->area, TRUE);
  gtk_widget_set_focusable(v->area, TRUE);
  gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(v->area), draw, v, NULL);
  g_object_set_data_full(G_OBJECT(v->area), "view", v, g_free);
  GtkEventController* scroll =
      gtk_event_controller_scroll_new(GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  g_signal_connect(scroll, "scroll", G_CALLBACK(scrolled), v);
  gtk_widget_add_controller(v->area, scroll);
  GtkEventController* motion = gtk_event_controller_motion_new();
  g_signal_connect(motion, "motion", G_CALLBACK(moved), v);
  gtk_widget_add_controller(v->area, motion);
  GtkGesture* drag = gtk_gesture_drag_new();
  g_signal_connect(drag, "drag-begin", G_CALLBACK(drag_begin), v);
  g_signal_connect(drag, "drag-update", G_CALLBACK(drag_update), v);
  gtk_widget_add_controller(v->area, GTK_EVENT_CONTROLLER(drag));
  GtkGesture* click = gtk_gesture_click_new();
  g_signal_connect(click, "released", G_CALLBACK(clicked), v);
  gtk_widget_add_controller(v->area, GTK_EVENT_CONTROLLER(click));
  GtkEventController* keys = gtk_event_controller_key_new();
  g_signal_connect(keys, "key-pressed", G_CALLBACK(key), v);
  gtk_widget_add_controller(v->area, keys);
  return v;
}

GtkWidget* canvas_view_widget(canvas_view* v) {
  return v->area;
}
