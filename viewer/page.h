/* A page: one look at a session. Each has a line in pages.def and a file of its
 * own; it knows the session and nothing of other pages. */
#ifndef PAGE_H
#define PAGE_H

#include "session.h"

/* Makes the page's widget. It listens to the session as long as that lives. */
typedef GtkWidget* (*page_build)(session* s);

#define PAGE(id, title, icon) GtkWidget* page_##id(session* s);
#include "pages.def"
#undef PAGE

/* Colours of drawn pages, for light and for dark surroundings. */
typedef struct page_colours {
  GdkRGBA ground, grid, text, faint, accent, cache, edge, boundary;
} page_colours;
const page_colours* page_palette(bool dark);
void page_set(cairo_t* cr, const GdkRGBA* colour);
void page_set_rgb(cairo_t* cr, uint32_t rgb);
/* Text with its baseline at y; NULL-safe, any bytes. Returns its width. */
double page_text(
    cairo_t* cr, double x, double y, double size, bool bold, const char* text);
/* A colour for a name, the same everywhere. */
uint32_t page_name_colour(const char* name);

/* Columns of text, rows that select. `select` gets the row's number. */
typedef void (*page_row_selected)(session* s, uint32_t row);
GtkWidget* page_table(
    session* s,
    int n_columns,
    const char* const* titles,
    GtkListStore* rows,
    page_row_selected select);

#endif
