#include "canvas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

canvas_format canvas_format_of(const char* path) {
  const char* dot = strrchr(path, '.');
  if (!dot) return CANVAS_UNKNOWN;
  return !strcasecmp(dot, ".svg")   ? CANVAS_SVG
         : !strcasecmp(dot, ".png") ? CANVAS_PNG
         : !strcasecmp(dot, ".pdf") ? CANVAS_PDF
                                    : CANVAS_UNKNOWN;
}

canvas* canvas_open(
    const char* path,
    canvas_format format,
    float width,
    float height,
    char* error,
    size_t error_size) {
  errno = 0;
  canvas* c = format == CANVAS_SVG ? canvas_svg(path, width, height)
                                   : canvas_cairo(path, format, width, height);
  if (!c)
    snprintf(
        error,
        error_size,
        "%s: %s",
        path,
        errno ? strerror(errno) : "not enough memory for the picture");
  return c;
}

float canvas_scale(const canvas* c) {
  return c->scale;
}

void canvas_rect(canvas* c, layout_box box, canvas_pen pen) {
  c->ops->rect(c, box, pen);
}

void canvas_way(
    canvas* c,
    const layout_point* points,
    uint32_t n,
    canvas_pen pen,
    bool arrow) {
  if (n >= 2) c->ops->way(c, points, n, pen, arrow);
}

void canvas_text(
    canvas* c, float x, float y, canvas_font font, const char* text) {
  c->ops->text(c, x, y, font, text);
}

int canvas_close(canvas* c, char* error, size_t error_size) {
  int failed = c->ops->close(c, error, error_size);
  free(c);
  return failed;
}

/* Widths by class of character in DejaVu Sans, the widest of the fonts that
 * stand in for one another: with others there is a little room left. */
float canvas_text_width(const char* text, float size, bool bold) {
  float width = 0;
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if ((c & 0xc0) == 0x80) continue;
    if (strchr("ijl|.,:;'!I ", c))
      width += 0.31f;
    else if (strchr("ftr()[]/-", c))
      width += 0.39f;
    else if (strchr("mwMW%@+=~", c))
      width += 0.88f;
    else if (c >= 'A' && c <= 'Z')
      width += 0.7f;
    else
      width += 0.62f;
  }
  return width * size * (bold ? 1.1f : 1);
}
