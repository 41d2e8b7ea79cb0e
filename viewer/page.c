#include "page.h"

#include <string.h>

const page_colours* page_palette(bool dark) {
  static const page_colours light = {
      {1, 1, 1, 1},
      {.88, .89, .91, 1},
      {.12, .14, .18, 1},
      {.42, .45, .50, 1},
      {.16, .42, .78, 1},
      {.55, .68, .86, .55},
      {.48, .53, .60, .85f},
      {.75, .22, .17, 1}};
  static const page_colours night = {
      {.13, .14, .16, 1},
      {.24, .26, .30, 1},
      {.92, .93, .95, 1},
      {.62, .65, .70, 1},
      {.40, .66, .98, 1},
      {.30, .42, .60, .60f},
      {.58, .62, .68, .85f},
      {.94, .42, .36, 1}};
  return dark ? &night : &light;
}

void page_set(cairo_t* cr, const GdkRGBA* c) {
  cairo_set_source_rgba(cr, c->red, c->green, c->blue, c->alpha);
}

void page_set_rgb(cairo_t* cr, uint32_t rgb) {
  cairo_set_source_rgb(
      cr,
      (rgb >> 16 & 255) / 255.0,
      (rgb >> 8 & 255) / 255.0,
      (rgb & 255) / 255.0);
}

double page_text(
    cairo_t* cr, double x, double y, double size, bool bold, const char* text) {
  if (!text || !*text) return 0;
  cairo_select_font_face(
      cr,
      "sans-serif",
      CAIRO_FONT_SLANT_NORMAL,
      bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr, size);
  char* valid =
      g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
  cairo_text_extents_t e;
  cairo_text_extents(cr, valid ? valid : text, &e);
  cairo_move_to(cr, x, y);
  cairo_show_text(cr, valid ? valid : text);
  g_free(valid);
  return e.x_advance;
}

uint32_t page_name_colour(const char* name) {
  static const uint32_t colours[] = {
      0x7fb2e5,
      0x9ccf8f,
      0xf2b880,
      0xd9a5dc,
      0x8fd3cf,
      0xe99c9c,
      0xc9c47a,
      0xa9b4e8,
      0xd8b08c,
      0x9fc7a9};
  return colours[g_str_hash(name) % G_N_ELEMENTS(colours)];
}

typedef struct table {
  session* s;
  page_row_selected select;
} table;

static void table_chosen(GtkTreeSelection* selection, gpointer user) {
  table* t = user;
  GtkTreeModel* rows;
  GtkTreeIter at;
  if (!gtk_tree_selection_get_selected(selection, &rows, &at)) return;
  guint row;
  gtk_tree_model_get(rows, &at, 0, &row, -1);
  if (t->select && row != MODEL_NONE) t->select(t->s, row);
}

GtkWidget* page_table(
    session* s,
    int n_columns,
    const char* const* titles,
    GtkListStore* rows,
    page_row_selected select) {
  GtkWidget* view = gtk_tree_view_new_with_model(GTK_TREE_MODEL(rows));
  g_object_unref(rows);
  for (int i = 0; i < n_columns; i++) {
    GtkCellRenderer* cell = gtk_cell_renderer_text_new();
    /* Figures stand to the right, words to the left. */
    bool figure = titles[i][0] == '>';
    g_object_set(
        cell, "xalign", figure ? 1.0 : 0.0, "xpad", 8, "ypad", 4, NULL);
    GtkTreeViewColumn* column = gtk_tree_view_column_new_with_attributes(
        titles[i] + figure, cell, "text", i + 1, NULL);
    gtk_tree_view_column_set_resizable(column, TRUE);
    gtk_tree_view_column_set_expand(column, !figure);
    gtk_tree_view_column_set_alignment(column, figure ? 1.0f : 0.0f);
    gtk_tree_view_append_column(GTK_TREE_VIEW(view), column);
  }
  gtk_tree_view_set_search_column(GTK_TREE_VIEW(view), 1);
  table* t = g_new0(table, 1);
  t->s = s;
  t->select = select;
  g_object_set_data_full(G_OBJECT(view), "table", t, g_free);
  g_signal_connect(
      gtk_tree_view_get_selection(GTK_TREE_VIEW(view)),
      "changed",
      G_CALLBACK(table_chosen),
      t);
  GtkWidget* scroll = gtk_scrolled_window_new();
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scroll), view);
  gtk_widget_set_hexpand(scroll, TRUE);
  gtk_widget_set_vexpand(scroll, TRUE);
  return scroll;
}
