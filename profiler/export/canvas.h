/* A surface to draw pictures on: SVG of our own, PNG and PDF by cairo. Units
 * are pixels (PDF: points); y grows downwards. */
#ifndef CANVAS_H
#define CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "layout.h"

typedef struct canvas canvas;

typedef struct canvas_pen {
  uint32_t fill;   /* 0xrrggbb, or CANVAS_NONE */
  uint32_t stroke; /* the same */
  float width;
  float radius; /* of corners */
  bool dashed;
} canvas_pen;
#define CANVAS_NONE UINT32_MAX

typedef struct canvas_font {
  uint32_t colour;
  float size;
  bool bold;
  bool centred; /* x is the middle, else the left end */
} canvas_font;

/* A format by the end of a file's name; CANVAS_UNKNOWN for others. */
typedef enum canvas_format {
  CANVAS_UNKNOWN,
  CANVAS_SVG,
  CANVAS_PNG,
  CANVAS_PDF
} canvas_format;
canvas_format canvas_format_of(const char* path);

/* Creates the file. What is larger than the format bears is made smaller as a
 * whole; canvas_scale() tells by how much. NULL with one line in `error`. */
canvas* canvas_open(
    const char* path,
    canvas_format format,
    float width,
    float height,
    char* error,
    size_t error_size);
float canvas_scale(const canvas* c);
/* An SVG element within a file of the caller's. NULL: no memory. */
canvas* canvas_svg_on(FILE* out, float width, float height);

void canvas_rect(canvas* c, layout_box box, canvas_pen pen);
/* Joins the points by curves that are vertical at both ends, with an arrowhead
 * at the last if `arrow`. */
void canvas_way(
    canvas* c,
    const layout_point* points,
    uint32_t n,
    canvas_pen pen,
    bool arrow);
/* One line of text; y is the baseline. */
void canvas_text(
    canvas* c, float x, float y, canvas_font font, const char* text);

/* Finishes the file: 0, or 1 with one line in `error`. Frees the canvas. */
int canvas_close(canvas* c, char* error, size_t error_size);

/* About how wide a text is. */
float canvas_text_width(const char* text, float size, bool bold);

/* ---- for the formats ---------------------------------------------------- */

typedef struct canvas_ops {
  void (*rect)(canvas*, layout_box, canvas_pen);
  void (*way)(canvas*, const layout_point*, uint32_t, canvas_pen, bool arrow);
  void (*text)(canvas*, float x, float y, canvas_font, const char*);
  int (*close)(canvas*, char* error, size_t error_size);
} canvas_ops;

struct canvas {
  const canvas_ops* ops;
  float scale;
};

canvas* canvas_svg(const char* path, float width, float height);
canvas* canvas_cairo(
    const char* path, canvas_format format, float width, float height);

#endif
