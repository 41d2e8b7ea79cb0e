/* SVG, written as it is drawn: no tree is kept, so a large picture costs no
 * memory. */
#include <stdlib.h>

#include "canvas.h"

typedef struct svg_canvas {
  canvas base;
  FILE* out;
  bool owned; /* closed with the canvas */
} svg_canvas;

static void svg_text_escaped(FILE* out, const char* text) {
  for (; *text; text++) switch (*text) {
      case '<':
        fputs("&lt;", out);
        break;
      case '>':
        fputs("&gt;", out);
        break;
      case '&':
        fputs("&amp;", out);
        break;
      case '"':
        fputs("&quot;", out);
        break;
      default:
        fputc(*text, out);
    }
}

/* A tenth of a pixel, without what says nothing. */
static void svg_number(FILE* out, float v) {
  long tenths = (long)(v * 10 + (v < 0 ? -0.5f : 0.5f));
  if (tenths < 0) {
    fputc('-', out);
    tenths = -tenths;
  }
  fprintf(out, "%ld", tenths / 10);
  if (tenths % 10) fprintf(out, ".%ld", tenths % 10);
}

static void svg_pair(FILE* out, float x, float y) {
  svg_number(out, x);
  fputc(' ', out);
  svg_number(out, y);
}

static void svg_pen(FILE* out, canvas_pen pen) {
  if (pen.fill == CANVAS_NONE)
    fputs(" fill=\"none\"", out);
  else
    fprintf(out, " fill=\"#%06x\"", pen.fill);
  if (pen.stroke != CANVAS_NONE)
    fprintf(
        out, " stroke=\"#%06x\" stroke-width=\"%.3g\"", pen.stroke, pen.width);
  if (pen.dashed) fputs(" stroke-dasharray=\"5 3\"", out);
}

static void svg_rect(canvas* c, layout_box b, canvas_pen pen) {
  FILE* out = ((svg_canvas*)c)->out;
  fprintf(
      out,
      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
      b.x,
      b.y,
      b.width,
      b.height);
  if (pen.radius > 0) fprintf(out, " rx=\"%.3g\"", pen.radius);
  svg_pen(out, pen);
  fputs("/>\n", out);
}

static void svg_way(
    canvas* c, const layout_point* p, uint32_t n, canvas_pen pen, bool arrow) {
  FILE* out = ((svg_canvas*)c)->out;
  fputs("<path d=\"M", out);
  svg_pair(out, p[0].x, p[0].y);
  for (uint32_t i = 1; i < n; i++) {
    if (p[i].x == p[i - 1].x) {
      fputc('V', out);
      svg_number(out, p[i].y);
      continue;
    }
    float middle = (p[i - 1].y + p[i].y) / 2;
    fputc('C', out);
    svg_pair(out, p[i - 1].x, middle);
    fputc(' ', out);
    svg_pair(out, p[i].x, middle);
    fputc(' ', out);
    svg_pair(out, p[i].x, p[i].y);
  }
  if (arrow) {
    float x = p[n - 1].x, y = p[n - 1].y;
    float back = p[n - 1].y < p[n - 2].y ? 5 : -5;
    fputc('M', out);
    svg_pair(out, x - 3, y + back);
    fputc('L', out);
    svg_pair(out, x, y);
    fputc('L', out);
    svg_pair(out, x + 3, y + back);
  }
  fputc('"', out);
  svg_pen(out, pen);
  fputs("/>\n", out);
}

static void svg_text(
    canvas* c, float x, float y, canvas_font font, const char* text) {
  FILE* out = ((svg_canvas*)c)->out;
  fprintf(
      out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.3g\"", x, y, font.size);
  if (font.centred) fputs(" text-anchor=\"middle\"", out);
  if (font.bold) fputs(" font-weight=\"bold\"", out);
  if (font.colour) fprintf(out, " fill=\"#%06x\"", font.colour);
  fputc('>', out);
  svg_text_escaped(out, text);
  fputs("</text>\n", out);
}

static int svg_close(canvas* c, char* error, size_t error_size) {
  svg_canvas* svg = (svg_canvas*)c;
  fputs("</g>\n</svg>\n", svg->out);
  int failed = ferror(svg->out) != 0;
  if (svg->owned) failed |= fclose(svg->out) != 0;
  if (failed) snprintf(error, error_size, "the picture cannot be written");
  return failed;
}

static const canvas_ops svg_ops = {svg_rect, svg_way, svg_text, svg_close};

canvas* canvas_svg_on(FILE* out, float width, float height) {
  svg_canvas* c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->base.ops = &svg_ops;
  c->base.scale = 1;
  c->out = out;
  fprintf(
      out,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
      "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
      "<g font-family=\"Helvetica, Arial, sans-serif\">\n",
      width,
      height,
      width,
      height);
  return &c->base;
}

canvas* canvas_svg(const char* path, float width, float height) {
  FILE* out = fopen(path, "w");
  if (!out) return NULL;
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
  canvas* c = canvas_svg_on(out, width, height);
  if (c)
    ((svg_canvas*)c)->owned = true;
  else
    fclose(out);
  return c;
}
