/* The open trace and what is selected in it: all that pages know.
 *
 * Everything runs on the main thread, but the loading. */
#ifndef SESSION_H
#define SESSION_H

#include <gtk/gtk.h>

#include "graph.h"
#include "model.h"
#include "summary.h"

typedef enum session_kind {
  SELECT_NOTHING,
  SELECT_NODE,
  SELECT_KERNEL,
  SELECT_EVAL,
  SELECT_TIME
} session_kind;

typedef struct session_selection {
  session_kind kind;
  uint32_t index; /* row of the model */
  uint64_t time_ns;
} session_selection;

typedef struct session session;
typedef void (*session_changed)(session* s, void* user);

struct session {
  char* path;
  model* m;
  summary* totals;
  session_selection selected;
  uint32_t shown_eval; /* of the graph page; MODEL_NONE: all */
  bool dark;
  GArray* listeners;
};

/* Takes over the model. NULL when there is no memory. */
session* session_new(const char* path, model* m);
void session_free(session* s);

/* `changed` is called after every change of the selection. */
void session_listen(session* s, session_changed changed, void* user);
void session_select(session* s, session_kind kind, uint32_t index, uint64_t ns);

/* The evaluation and the kernel that the selection belongs to; MODEL_NONE. */
uint32_t session_eval(const session* s);
uint32_t session_kernel(const session* s);

/* Everything known about the selection, as Pango markup. Free with g_free(). */
char* session_details(const session* s);

#endif
