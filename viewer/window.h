/* The window: opening, loading, pages, details, pictures of itself. */
#ifndef WINDOW_H
#define WINDOW_H

#include <adwaita.h>

typedef struct window_options {
  char* page;       /* id of the first page, or NULL */
  char* select;     /* "eval:0", or NULL */
  char* screenshot; /* write this PNG once drawn, then close; or NULL */
  gboolean dark;
} window_options;

/* A new window; `path` NULL: it asks what to open. */
void window_show(
    GtkApplication* app, const char* path, const window_options* options);

/* 1 after a trace that could not be opened for a screenshot. */
int window_exit_status(void);

#endif
