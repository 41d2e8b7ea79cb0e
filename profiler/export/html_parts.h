/* Pieces of the HTML page; for export_html.c alone. */
#ifndef HTML_PARTS_H
#define HTML_PARTS_H

#include "export.h"

typedef struct html {
  FILE* out;
  const export_job* job;
} html;

void html_text(html* h, const char* text); /* escaped */
void html_place(html* h, summary_place place);
void html_section(html* h, const char* id, const char* title);
void html_card(html* h, const char* name, const char* value);

/* A table: heads separated by "|", those of numbers begin with "#". Rows and
 * cells need no end. */
void html_table(html* h, const char* heads);
void html_row(html* h);
void html_cell(html* h, const char* text);
void html_place_cell(html* h, summary_place place);
void html_number(html* h, double value, const char* text);
void html_count(html* h, uint64_t value);
void html_ns(html* h, uint64_t value);
void html_bytes(html* h, uint64_t value);
/* Says how many rows were left out past `limit`. */
void html_table_end(html* h, uint32_t rows, uint32_t limit);

/* The time axis: evaluations, streams, memory. */
void html_time(html* h);

#endif
