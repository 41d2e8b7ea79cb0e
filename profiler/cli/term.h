/* Printing for people: colour where a terminal shows it, tables that fit its
 * width, bars and curves of Unicode blocks. */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum term_style {
  TERM_PLAIN,
  TERM_TITLE, /* a section's name */
  TERM_HEAD,  /* a column's name, an aside */
  TERM_PLACE, /* a source line */
  TERM_NAME,  /* an operation, a kernel, a trigger */
  TERM_GOOD,
  TERM_BAD,
  TERM_BAR
} term_style;

typedef struct term {
  FILE* out;
  int width; /* columns */
  bool colour;
} term;

typedef enum term_colour { TERM_AUTO, TERM_ALWAYS, TERM_NEVER } term_colour;

/* Colour: as asked, or on a terminal where NO_COLOR is unset or empty. Width:
 * the terminal's, else COLUMNS, else 100; at least 60. */
term term_open(FILE* out, term_colour colour);

/* "auto", "always", "never"; false for another word. */
bool term_colour_of(const char* word, term_colour* colour);

/* Begins a style; TERM_PLAIN ends it. Nothing without colour. */
void term_set(const term* t, term_style style);

/* Text in a style. Control characters are shown as "?": names come from
 * traces. */
void term_print(const term* t, term_style style, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

/* "TITLE  summary" with a line above. */
void term_section(const term* t, const char* title, const char* summary);

/* A paragraph, indented, broken at blanks to fit the width. */
void term_paragraph(
    const term* t, term_style style, int indent, const char* text);

/* Columns that a text takes. */
int term_columns(const char* text);

/* A bar of `columns` columns, filled by the share 0…1. Returns `out`. */
#define TERM_BAR_SIZE 128
char* term_bar(char out[TERM_BAR_SIZE], double share, int columns);

/* One character of eight heights for each value, the largest of all being
 * full. Prints nothing else. */
void term_curve(const term* t, const uint64_t* values, int n);

/* ---- tables ------------------------------------------------------------- */

typedef struct term_column {
  const char* title;
  bool right;  /* aligned to the right */
  bool shrink; /* may be cut where the width is short; from the left if it is
                  a path (TERM_PLACE), else from the right */
  term_style style;
} term_column;

typedef struct term_table term_table;

/* NULL when there is no memory; the rest takes NULL. */
term_table* term_table_new(const term_column* columns, int n);
void term_table_cell(term_table* table, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints all rows, and frees the table. */
void term_table_end(const term* t, term_table* table);

#endif
