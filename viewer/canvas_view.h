/* A drawing that is panned, zoomed and clicked: the ground of the graph page.
 */
#ifndef CANVAS_VIEW_H
#define CANVAS_VIEW_H

#include <gtk/gtk.h>

typedef struct canvas_view canvas_view;

typedef struct canvas_view_calls {
  /* Draws what lies in (x0,y0)…(x1,y1) of the picture; cr is in its units. */
  void (*draw)(
      cairo_t* cr,
      double x0,
      double y0,
      double x1,
      double y1,
      double scale,
      void* user);
  /* A click at a point of the picture. */
  void (*click)(double x, double y, void* user);
  void* user;
} canvas_view_calls;

canvas_view* canvas_view_new(const canvas_view_calls* calls);
GtkWidget* canvas_view_widget(canvas_view* v);
void canvas_view_size(canvas_view* v, double width, double height);
/* Shows all, or as much as stays legible from the upper left. */
void canvas_view_fit(canvas_view* v);
/* Brings a box into the middle. */
void canvas_view_show(canvas_view* v, double x, double y, double w, double h);
void canvas_view_zoom(canvas_view* v, double factor);
void canvas_view_redraw(canvas_view* v);

#endif
