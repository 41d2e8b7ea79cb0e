#include "window.h"

#include <string.h>

#include "draw.h"
#include "export_dot.h"
#include "page.h"
#include "text.h"

typedef struct window {
  GtkApplication* app;
  GtkWidget* top;
  GtkWidget* title;
  GtkWidget* stack;  /* start, loading, trace */
  GtkWidget* start;  /* AdwStatusPage */
  GtkWidget* bar;    /* of progress */
  GtkWidget* holder; /* of the pages */
  GtkWidget* pages;
  GtkWidget* switcher;
  GtkWidget* details;
  session* s;
  GCancellable* cancel;
  double fraction;
  window_options options;
} window;

static int exit_status;
int window_exit_status(void) {
  return exit_status;
}

static const char* const page_ids[] = {
#define PAGE(id, title, icon) #id,
#include "pages.def"
#undef PAGE
};

/* ---- a trace ------------------------------------------------------------- */

static void details_changed(session* s, void* user) {
  window* w = user;
  char* text = session_details(s);
  gtk_label_set_markup(GTK_LABEL(w->details), text);
  g_free(text);
}

static void add_pages(window* w) {
#define PAGE(id, title, icon)                                               \
  adw_view_stack_add_titled(                                                \
      ADW_VIEW_STACK(w->pages), page_##id(w->s), #id, title);               \
  adw_view_stack_page_set_icon_name(                                        \
      adw_view_stack_get_page(                                              \
          ADW_VIEW_STACK(w->pages),                                         \
          adw_view_stack_get_child_by_name(ADW_VIEW_STACK(w->pages), #id)), \
      icon);
#include "pages.def"
#undef PAGE
}

static GtkWidget* details_panel(window* w) {
  w->details = gtk_label_new("");
  gtk_label_set_xalign(GTK_LABEL(w->details), 0);
  gtk_label_set_yalign(GTK_LABEL(w->details), 0);
  gtk_label_set_wrap(GTK_LABEL(w->details), TRUE);
  gtk_label_set_wrap_mode(GTK_LABEL(w->details), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable(GTK_LABEL(w->details), TRUE);
  gtk_widget_set_margin_start(w->details, 14);
  gtk_widget_set_margin_end(w->details, 14);
  gtk_widget_set_margin_top(w->details, 14);
  GtkWidget* scroll = gtk_scrolled_window_new();
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scroll), w->details);
  gtk_scrolled_window_set_policy(
      GTK_SCROLLED_WINDOW(scroll), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_widget_set_size_request(scroll, 300, -1);
  return scroll;
}

static void dark_changed(AdwStyleManager* m, GParamSpec* spec, gpointer user) {
  (void)spec;
  window* w = user;
  if (!w->s) return;
  w->s->dark = adw_style_manager_get_dark(m);
  gtk_widget_queue_draw(w->top);
  session_select(
      w->s, w->s->selected.kind, w->s->selected.index, w->s->selected.time_ns);
}

static void select_first(window* w) {
  const char* colon = w->options.select ? strchr(w->options.select, ':') : NULL;
  if (!colon) {
    session_select(w->s, SELECT_NOTHING, 0, 0);
    return;
  }
  uint32_t row = (uint32_t)strtoul(colon + 1, NULL, 10);
  const model* m = w->s->m;
  if (g_str_has_prefix(w->options.select, "node") && row < m->n_nodes)
    session_select(w->s, SELECT_NODE, row, m->nodes[row].time_ns);
  if (g_str_has_prefix(w->options.select, "kernel") && row < m->n_kernels)
    session_select(w->s, SELECT_KERNEL, row, m->kernels[row].begin_ns);
  if (g_str_has_prefix(w->options.select, "eval") && row < m->n_evals)
    session_select(w->s, SELECT_EVAL, row, m->evals[row].begin_ns);
}

static void show_trace(window* w, const char* path, model* m) {
  GtkWidget* old = gtk_widget_get_first_child(w->holder);
  if (old) gtk_box_remove(GTK_BOX(w->holder), old);
  session_free(w->s);
  w->s = session_new(path, m);
  w->s->dark = adw_style_manager_get_dark(adw_style_manager_get_default());
  w->pages = GTK_WIDGET(adw_view_stack_new());
  gtk_widget_set_hexpand(w->pages, TRUE);
  add_pages(w);
  adw_view_switcher_set_stack(
      ADW_VIEW_SWITCHER(w->switcher), ADW_VIEW_STACK(w->pages));
  GtkWidget* paned = gtk_paned_new(GTK_ORIENTATION_HORIZONTAL);
  gtk_paned_set_start_child(GTK_PANED(paned), w->pages);
  gtk_paned_set_end_child(GTK_PANED(paned), details_panel(w));
  gtk_paned_set_resize_end_child(GTK_PANED(paned), FALSE);
  gtk_paned_set_shrink_end_child(GTK_PANED(paned), FALSE);
  gtk_widget_set_vexpand(paned, TRUE);
  gtk_box_append(GTK_BOX(w->holder), paned);
  session_listen(w->s, details_changed, w);
  char* base = g_path_get_basename(path);
  char duration[TEXT_SIZE], subtitle[160];
  snprintf(
      subtitle,
      sizeof subtitle,
      "%s · %s · %u evals, %u kernels%s",
      model_string(m, m->info.runtime),
      text_ns(duration, m->info.duration_ns),
      m->n_evals,
      m->n_kernels,
      m->info.finished ? "" : " · not ended in order");
  adw_window_title_set_title(ADW_WINDOW_TITLE(w->title), base);
  adw_window_title_set_subtitle(ADW_WINDOW_TITLE(w->title), subtitle);
  gtk_window_set_title(GTK_WINDOW(w->top), base);
  g_free(base);
  char* uri = g_filename_to_uri(path, NULL, NULL);
  if (uri && !w->options.screenshot)
    gtk_recent_manager_add_item(gtk_recent_manager_get_default(), uri);
  g_free(uri);
  gtk_stack_set_visible_child_name(GTK_STACK(w->stack), "trace");
  gtk_widget_set_visible(w->switcher, TRUE);
  if (w->options.page && adw_view_stack_get_child_by_name(
                             ADW_VIEW_STACK(w->pages), w->options.page))
    adw_view_stack_set_visible_child_name(
        ADW_VIEW_STACK(w->pages), w->options.page);
  select_first(w);
}

/* ---- loading, beside the main thread --------------------------------------
 */

typedef struct load_job {
  char* path;
  window* w;
  char error[512];
} load_job;

static int load_progress(double fraction, void* user) {
  load_job* job = user;
  job->w->fraction = fraction;
  return g_cancellable_is_cancelled(job->w->cancel);
}

static void load_run(
    GTask* task, gpointer source, gpointer data, GCancellable* cancel) {
  (void)source, (void)cancel;
  load_job* job = data;
  model_load_options options = {.progress = load_progress, .user = job};
  g_task_return_pointer(
      task,
      model_load(job->path, &options, job->error, sizeof job->error),
      NULL);
}

static void complain(window* w, const char* text) {
  char* valid = g_utf8_make_valid(text, -1);
  adw_status_page_set_title(
      ADW_STATUS_PAGE(w->start), "This is not a trace to look at");
  char* safe = g_markup_escape_text(valid, -1);
  adw_status_page_set_description(ADW_STATUS_PAGE(w->start), safe);
  adw_status_page_set_icon_name(
      ADW_STATUS_PAGE(w->start), "dialog-error-symbolic");
  gtk_stack_set_visible_child_name(GTK_STACK(w->stack), "start");
  if (w->options.screenshot) {
    g_printerr("lazuli-viewer: %s\n", valid);
    exit_status = 1;
  }
  g_free(safe);
  g_free(valid);
}

static gboolean screenshot_now(gpointer user);

static void load_done(GObject* source, GAsyncResult* result, gpointer user) {
  (void)source;
  load_job* job = user;
  window* w = job->w;
  model* m = g_task_propagate_pointer(G_TASK(result), NULL);
  if (m)
    show_trace(w, job->path, m);
  else if (g_cancellable_is_cancelled(w->cancel))
    gtk_stack_set_visible_child_name(
        GTK_STACK(w->stack), w->s ? "trace" : "start");
  else
    complain(w, job->error);
  g_clear_object(&w->cancel);
  g_free(job->path);
  g_free(job);
  if (w->options.screenshot) g_timeout_add(700, screenshot_now, w);
}

static gboolean load_tick(gpointer user) {
  window* w = user;
  if (!w->cancel) return G_SOURCE_REMOVE;
  gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(w->bar), w->fraction);
  return G_SOURCE_CONTINUE;
}

static void load(window* w, const char* path) {
  if (w->cancel) return;
  load_job* job = g_new0(load_job, 1);
  job->path = g_strdup(path);
  job->w = w;
  w->cancel = g_cancellable_new();
  w->fraction = 0;
  gtk_stack_set_visible_child_name(GTK_STACK(w->stack), "loading");
  g_timeout_add(100, load_tick, w);
  GTask* task = g_task_new(NULL, NULL, load_done, job);
  g_task_set_task_data(task, job, NULL);
  g_task_run_in_thread(task, load_run);
  g_object_unref(task);
}

/* ---- actions ---------------------------------------------------------------
 */

static void open_answered(GtkNativeDialog* dialog, int answer, gpointer user) {
  if (answer == GTK_RESPONSE_ACCEPT) {
    GFile* file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
    char* path = g_file_get_path(file);
    if (path) load(user, path);
    g_free(path);
    g_object_unref(file);
  }
  g_object_unref(dialog);
}

static void act_open(GSimpleAction* a, GVariant* v, gpointer user) {
  (void)a, (void)v;
  window* w = user;
  GtkFileChooserNative* dialog = gtk_file_chooser_native_new(
      "Open a trace",
      GTK_WINDOW(w->top),
      GTK_FILE_CHOOSER_ACTION_OPEN,
      NULL,
      NULL);
  g_signal_connect(dialog, "response", G_CALLBACK(open_answered), w);
  gtk_native_dialog_show(GTK_NATIVE_DIALOG(dialog));
}

/* Writes the graph in the format that the name's ending tells. */
static void save_picture(window* w, const char* path) {
  char error[256] = "";
  graph g;
  uint32_t eval = session_eval(w->s);
  if (eval == MODEL_NONE) eval = w->s->shown_eval;
  if (graph_make(w->s->m, eval, &g)) return;
  int failed;
  if (g_str_has_suffix(path, ".dot")) {
    FILE* f = fopen(path, "w");
    failed = !f || export_dot(f, &g, GRAPH_BY_TIME);
    if (f && fclose(f)) failed = 1;
    if (failed) snprintf(error, sizeof error, "%s cannot be written", path);
  } else {
    failed = draw(
        &g,
        &(draw_options){DRAW_AUTO, GRAPH_BY_TIME},
        path,
        NULL,
        error,
        sizeof error);
  }
  graph_free(&g);
  if (failed) {
    GtkWidget* dialog = adw_message_dialog_new(
        GTK_WINDOW(w->top), "The picture was not saved", error);
    adw_message_dialog_add_response(ADW_MESSAGE_DIALOG(dialog), "ok", "Close");
    gtk_window_present(GTK_WINDOW(dialog));
  }
}

static void save_answered(GtkNativeDialog* dialog, int answer, gpointer user) {
  if (answer == GTK_RESPONSE_ACCEPT) {
    GFile* file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
    char* path = g_file_get_path(file);
    if (path) save_picture(user, path);
    g_free(path);
    g_object_unref(file);
  }
  g_object_unref(dialog);
}

static void act_save(GSimpleAction* a, GVariant* v, gpointer user) {
  (void)a, (void)v;
  window* w = user;
  if (!w->s) return;
  GtkFileChooserNative* dialog = gtk_file_chooser_native_new(
      "Save the graph as SVG, PNG, PDF or DOT",
      GTK_WINDOW(w->top),
      GTK_FILE_CHOOSER_ACTION_SAVE,
      NULL,
      NULL);
  gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(dialog), "graph.svg");
  g_signal_connect(dialog, "response", G_CALLBACK(save_answered), w);
  gtk_native_dialog_show(GTK_NATIVE_DIALOG(dialog));
}

static void act_page(GSimpleAction* a, GVariant* v, gpointer user) {
  (void)a;
  window* w = user;
  int page = g_variant_get_int32(v);
  if (w->s && page < (int)G_N_ELEMENTS(page_ids))
    adw_view_stack_set_visible_child_name(
        ADW_VIEW_STACK(w->pages), page_ids[page]);
}

static GtkWidget* find_named(GtkWidget* in, const char* name) {
  if (strcmp(gtk_widget_get_name(in), name) == 0) return in;
  for (GtkWidget* c = gtk_widget_get_first_child(in); c;
       c = gtk_widget_get_next_sibling(c)) {
    GtkWidget* found = find_named(c, name);
    if (found) return found;
  }
  return NULL;
}

static void act_search(GSimpleAction* a, GVariant* v, gpointer user) {
  (void)a, (void)v;
  window* w = user;
  if (!w->s) return;
  adw_view_stack_set_visible_child_name(ADW_VIEW_STACK(w->pages), "graph");
  GtkWidget* entry = find_named(w->pages, "search");
  if (entry) gtk_widget_grab_focus(entry);
}

static void act_cancel(GSimpleAction* a, GVariant* v, gpointer user) {
  (void)a, (void)v;
  window* w = user;
  if (w->cancel)
    g_cancellable_cancel(w->cancel);
  else if (w->s)
    session_select(w->s, SELECT_NOTHING, 0, 0);
}

static gboolean dropped(
    GtkDropTarget* t, const GValue* value, double x, double y, gpointer user) {
  (void)t, (void)x, (void)y;
  char* path = g_file_get_path(g_value_get_object(value));
  if (path) load(user, path);
  g_free(path);
  return path != NULL;
}

/* ---- the window as a picture ------------------------------------------------
 */

static gboolean screenshot_now(gpointer user) {
  window* w = user;
  int width = gtk_widget_get_width(w->top),
      height = gtk_widget_get_height(w->top);
  GdkPaintable* paintable = gtk_widget_paintable_new(w->top);
  GtkSnapshot* snapshot = gtk_snapshot_new();
  gdk_paintable_snapshot(paintable, GDK_SNAPSHOT(snapshot), width, height);
  GskRenderNode* node = gtk_snapshot_free_to_node(snapshot);
  g_object_unref(paintable);
  if (node) {
    GdkTexture* texture = gsk_renderer_render_texture(
        gtk_native_get_renderer(GTK_NATIVE(w->top)), node, NULL);
    if (!gdk_texture_save_to_png(texture, w->options.screenshot))
      exit_status = 1;
    g_object_unref(texture);
    gsk_render_node_unref(node);
  } else {
    exit_status = 1;
  }
  gtk_window_destroy(GTK_WINDOW(w->top));
  return G_SOURCE_REMOVE;
}

/* ---- making it --------------------------------------------------------------
 */

static void recent_chosen(GtkButton* button, gpointer user) {
  load(user, g_object_get_data(G_OBJECT(button), "path"));
}

static GtkWidget* recent_list(window* w) {
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_halign(box, GTK_ALIGN_CENTER);
  GtkWidget* open = gtk_button_new_with_label("Open a Trace…");
  gtk_widget_add_css_class(open, "pill");
  gtk_widget_add_css_class(open, "suggested-action");
  gtk_actionable_set_action_name(GTK_ACTIONABLE(open), "win.open");
  gtk_box_append(GTK_BOX(box), open);
  GList* items = gtk_recent_manager_get_items(gtk_recent_manager_get_default());
  int shown = 0;
  for (GList* l = items; l && shown < 6; l = l->next) {
    const char* uri = gtk_recent_info_get_uri(l->data);
    char* path = g_filename_from_uri(uri, NULL, NULL);
    if (path && g_str_has_suffix(path, ".lzt") &&
        gtk_recent_info_exists(l->data)) {
      GtkWidget* b = gtk_button_new_with_label(path);
      gtk_widget_add_css_class(b, "flat");
      g_object_set_data_full(G_OBJECT(b), "path", g_strdup(path), g_free);
      g_signal_connect(b, "clicked", G_CALLBACK(recent_chosen), w);
      gtk_box_append(GTK_BOX(box), b);
      shown++;
    }
    g_free(path);
  }
  g_list_free_full(items, (GDestroyNotify)gtk_recent_info_unref);
  return box;
}

static GtkWidget* loading_page(window* w) {
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_set_valign(box, GTK_ALIGN_CENTER);
  gtk_widget_set_halign(box, GTK_ALIGN_CENTER);
  gtk_box_append(GTK_BOX(box), gtk_label_new("Reading the trace…"));
  w->bar = gtk_progress_bar_new();
  gtk_widget_set_size_request(w->bar, 320, -1);
  gtk_box_append(GTK_BOX(box), w->bar);
  GtkWidget* cancel = gtk_button_new_with_label("Cancel");
  gtk_actionable_set_action_name(GTK_ACTIONABLE(cancel), "win.cancel");
  gtk_box_append(GTK_BOX(box), cancel);
  return box;
}

static void add_actions(window* w) {
  static const GActionEntry actions[] = {
      {"open", act_open, NULL, NULL, NULL, {0}},
      {"save", act_save, NULL, NULL, NULL, {0}},
      {"search", act_search, NULL, NULL, NULL, {0}},
      {"cancel", act_cancel, NULL, NULL, NULL, {0}},
      {"page", act_page, "i", NULL, NULL, {0}}};
  g_action_map_add_action_entries(
      G_ACTION_MAP(w->top), actions, G_N_ELEMENTS(actions), w);
  static const struct {
    const char* action;
    const char* keys[3];
  } keys[] = {
      {"win.open", {"<Control>o", NULL, NULL}},
      {"win.save", {"<Control>s", "<Control>e", NULL}},
      {"win.search", {"<Control>f", NULL, NULL}},
      {"win.cancel", {"Escape", NULL, NULL}},
      {"window.close", {"<Control>w", "<Control>q", NULL}}};
  for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
    gtk_application_set_accels_for_action(
        w->app, keys[i].action, (const char**)keys[i].keys);
  for (size_t i = 0; i < G_N_ELEMENTS(page_ids); i++) {
    char action[32], accel[32];
    snprintf(action, sizeof action, "win.page(%zu)", i);
    snprintf(accel, sizeof accel, "<Control>%zu", i + 1);
    gtk_application_set_accels_for_action(
        w->app, action, (const char*[]){accel, NULL});
  }
}

static void closed(GtkWidget* top, gpointer user) {
  (void)top;
  window* w = user;
  g_signal_handlers_disconnect_by_data(adw_style_manager_get_default(), w);
}

static GtkWidget* header_bar(window* w) {
  GtkWidget* bar = adw_header_bar_new();
  w->switcher = GTK_WIDGET(g_object_new(
      ADW_TYPE_VIEW_SWITCHER, "policy", ADW_VIEW_SWITCHER_POLICY_WIDE, NULL));
  gtk_widget_set_visible(w->switcher, FALSE);
  w->title = adw_window_title_new("Lazuli", "");
  adw_header_bar_set_title_widget(ADW_HEADER_BAR(bar), w->switcher);
  GtkWidget* open = gtk_button_new_from_icon_name("document-open-symbolic");
  gtk_widget_set_tooltip_text(open, "Open a trace (Ctrl+O)");
  gtk_actionable_set_action_name(GTK_ACTIONABLE(open), "win.open");
  adw_header_bar_pack_start(ADW_HEADER_BAR(bar), open);
  adw_header_bar_pack_start(ADW_HEADER_BAR(bar), w->title);
  GtkWidget* save = gtk_button_new_from_icon_name("document-save-symbolic");
  gtk_widget_set_tooltip_text(
      save, "Save the graph as SVG, PNG, PDF or DOT (Ctrl+S)");
  gtk_actionable_set_action_name(GTK_ACTIONABLE(save), "win.save");
  adw_header_bar_pack_end(ADW_HEADER_BAR(bar), save);
  return bar;
}

void window_show(
    GtkApplication* app, const char* path, const window_options* options) {
  window* w = g_new0(window, 1); /* lives as long as the process */
  w->app = app;
  w->options = *options;
  w->top = adw_application_window_new(app);
  gtk_window_set_default_size(GTK_WINDOW(w->top), 1280, 800);
  gtk_window_set_title(GTK_WINDOW(w->top), "Lazuli");
  AdwStyleManager* style = adw_style_manager_get_default();
  if (options->dark)
    adw_style_manager_set_color_scheme(style, ADW_COLOR_SCHEME_FORCE_DARK);
  g_signal_connect(style, "notify::dark", G_CALLBACK(dark_changed), w);
  g_signal_connect(w->top, "destroy", G_CALLBACK(closed), w);
  w->start = adw_status_page_new();
  adw_status_page_set_icon_name(
      ADW_STATUS_PAGE(w->start), "view-continuous-symbolic");
  adw_status_page_set_title(ADW_STATUS_PAGE(w->start), "Lazuli");
  adw_status_page_set_description(
      ADW_STATUS_PAGE(w->start),
      "Open a trace, or drop one here. lazuli record -- PROGRAM makes one.");
  adw_status_page_set_child(ADW_STATUS_PAGE(w->start), recent_list(w));
  w->holder = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  w->stack = gtk_stack_new();
  gtk_widget_set_vexpand(w->stack, TRUE);
  gtk_stack_add_named(GTK_STACK(w->stack), w->start, "start");
  gtk_stack_add_named(GTK_STACK(w->stack), loading_page(w), "loading");
  gtk_stack_add_named(GTK_STACK(w->stack), w->holder, "trace");
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(box), header_bar(w));
  gtk_box_append(GTK_BOX(box), w->stack);
  adw_application_window_set_content(ADW_APPLICATION_WINDOW(w->top), box);
  GtkDropTarget* drop = gtk_drop_target_new(G_TYPE_FILE, GDK_ACTION_COPY);
  g_signal_connect(drop, "drop", G_CALLBACK(dropped), w);
  gtk_widget_add_controller(w->top, GTK_EVENT_CONTROLLER(drop));
  add_actions(w);
  gtk_window_present(GTK_WINDOW(w->top));
  if (path)
    load(w, path);
  else if (options->screenshot)
    g_timeout_add(700, screenshot_now, w);
}
