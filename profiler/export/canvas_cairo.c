#include <cairo-pdf.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"

typedef struct cairo_canvas {
  canvas base;
  cairo_surface_t* surface;
  cairo_t* cr;
  char* path;
  canvas_format format;
} cairo_canvas;

/* Beyond these, readers of the formats give up. */
#define PNG_SIDE 16000.0
#define PNG_PIXELS 60e6
#define PDF_SIDE 14400.0

static void cairo_colour(cairo_t* cr, uint32_t rgb) {
  cairo_set_source_rgb(
      cr, (rgb >> 16) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0);
}

/* Fills and strokes the path that was made. */
static void cairo_pen(cairo_t* cr, canvas_pen pen) {
  static const double dashes[] = {5, 3};
  if (pen.fill != CANVAS_NONE) {
    cairo_colour(cr, pen.fill);
    cairo_fill_preserve(cr);
  }
  if (pen.stroke != CANVAS_NONE) {
    cairo_set_dash(cr, dashes, pen.dashed ? 2 : 0, 0);
    cairo_set_line_width(cr, pen.width);
    cairo_colour(cr, pen.stroke);
    cairo_stroke_preserve(cr);
  }
  cairo_new_path(cr);
}

static void cairo_rect(canvas* c, layout_box b, canvas_pen pen) {
  cairo_t* cr = ((cairo_canvas*)c)->cr;
  double r = pen.radius;
  if (r > 0) {
    cairo_new_sub_path(cr);
    cairo_arc(cr, b.x + b.width - r, b.y + r, r, -M_PI / 2, 0);
    cairo_arc(cr, b.x + b.width - r, b.y + b.height - r, r, 0, M_PI / 2);
    cairo_arc(cr, b.x + r, b.y + b.height - r, r, M_PI / 2, M_PI);
    cairo_arc(cr, b.x + r, b.y + r, r, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
  } else {
    cairo_rectangle(cr, b.x, b.y, b.width, b.height);
  }
  cairo_pen(cr, pen);
}

static void cairo_way(
    canvas* c, const layout_point* p, uint32_t n, canvas_pen pen, bool arrow) {
  cairo_t* cr = ((cairo_canvas*)c)->cr;
  cairo_move_to(cr, p[0].x, p[0].y);
  for (uint32_t i = 1; i < n; i++) {
    double middle = (p[i - 1].y + p[i].y) / 2;
    cairo_curve_to(cr, p[i - 1].x, middle, p[i].x, middle, p[i].x, p[i].y);
  }
  cairo_pen(cr, pen);
  if (arrow) {
    double x = p[n - 1].x, y = p[n - 1].y;
    double back = p[n - 1].y < p[n - 2].y ? 5 : -5;
    cairo_move_to(cr, x - 3, y + back);
    cairo_line_to(cr, x, y);
    cairo_line_to(cr, x + 3, y + back);
    pen.dashed = false;
    cairo_pen(cr, pen);
  }
}

static void cairo_text(
    canvas* c, float x, float y, canvas_font font, const char* text) {
  cairo_t* cr = ((cairo_canvas*)c)->cr;
  if (font.size * c->scale < 1) return; /* nobody could read it */
  cairo_select_font_face(
      cr,
      "Helvetica",
      CAIRO_FONT_SLANT_NORMAL,
      font.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr, font.size);
  cairo_colour(cr, font.colour);
  if (font.centred) {
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    x -= (float)(extents.x_advance / 2);
  }
  cairo_move_to(cr, x, y);
  cairo_show_text(cr, text);
}

static int cairo_close(canvas* base, char* error, size_t error_size) {
  cairo_canvas* c = (cairo_canvas*)base;
  cairo_status_t status = cairo_status(c->cr);
  if (status == CAIRO_STATUS_SUCCESS && c->format == CANVAS_PNG)
    status = cairo_surface_write_to_png(c->surface, c->path);
  cairo_destroy(c->cr);
  cairo_surface_finish(c->surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(c->surface);
  if (status != CAIRO_STATUS_SUCCESS)
    snprintf(
        error, error_size, "%s: %s", c->path, cairo_status_to_string(status));
  cairo_surface_destroy(c->surface);
  free(c->path);
  return status != CAIRO_STATUS_SUCCESS;
}

static const canvas_ops cairo_ops = {
    cairo_rect, cairo_way, cairo_text, cairo_close};

canvas* canvas_cairo(
    const char* path, canvas_format format, float width, float height) {
  cairo_canvas* c = calloc(1, sizeof *c);
  char* copy = strdup(path);
  if (!c || !copy) {
    free(c);
    free(copy);
    return NULL;
  }
  c->base.ops = &cairo_ops;
  c->format = format;
  c->path = copy;
  double side = format == CANVAS_PNG ? PNG_SIDE : PDF_SIDE;
  double scale = fmin(1, fmin(side / width, side / height));
  if (format == CANVAS_PNG)
    scale = fmin(scale, sqrt(PNG_PIXELS / ((double)width * height)));
  c->base.scale = (float)scale;
  double w = fmax(1, ceil(width * scale)), h = fmax(1, ceil(height * scale));
  if (format == CANVAS_PNG) {
    /* Fails now rather than after drawing. */
    FILE* out = fopen(path, "wb");
    int error = errno;
    if (out) fclose(out);
    errno = error;
    if (out)
      c->surface =
          cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)w, (int)h);
  } else {
    c->surface = cairo_pdf_surface_create(path, w, h);
    if (cairo_surface_status(c->surface) == CAIRO_STATUS_WRITE_ERROR)
      errno = errno ? errno : EACCES;
  }
  if (c->surface) c->cr = cairo_create(c->surface);
  if (!c->cr || cairo_status(c->cr) != CAIRO_STATUS_SUCCESS) {
    if (c->cr) cairo_destroy(c->cr);
    if (c->surface) cairo_surface_destroy(c->surface);
    free(copy);
    free(c);
    return NULL;
  }
  if (format == CANVAS_PNG) {
    cairo_colour(c->cr, 0xffffff);
    cairo_paint(c->cr);
  }
  cairo_scale(c->cr, scale, scale);
  return &c->base;
}
