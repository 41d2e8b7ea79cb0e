/* lazuli-viewer [--page=ID] [--select=KIND:ROW] [--screenshot=FILE.png] [FILE]
 */
#include <stdlib.h>
#include <string.h>

#include "window.h"

static window_options options;

static void open_window(GtkApplication* app, const char* path) {
  window_show(app, path, &options);
}

static void activated(GApplication* app, gpointer unused) {
  (void)unused;
  open_window(GTK_APPLICATION(app), NULL);
}

static void opened(
    GApplication* app,
    GFile** files,
    int n,
    const char* hint,
    gpointer unused) {
  (void)hint, (void)unused;
  for (int i = 0; i < n; i++) {
    char* path = g_file_get_path(files[i]);
    if (path) open_window(GTK_APPLICATION(app), path);
    g_free(path);
  }
}

static int local_options(
    GApplication* app, GVariantDict* dict, gpointer unused) {
  (void)app, (void)unused;
  g_variant_dict_lookup(dict, "page", "s", &options.page);
  g_variant_dict_lookup(dict, "select", "s", &options.select);
  g_variant_dict_lookup(dict, "screenshot", "s", &options.screenshot);
  g_variant_dict_lookup(dict, "dark", "b", &options.dark);
  return -1;
}

int main(int argc, char** argv) {
  static const GOptionEntry entries[] = {
      {"page", 'p', 0, G_OPTION_ARG_STRING, NULL, "Page to begin with", "ID"},
      {"select",
       's',
       0,
       G_OPTION_ARG_STRING,
       NULL,
       "Begin with node, kernel or eval ROW selected",
       "KIND:ROW"},
      {"screenshot",
       0,
       0,
       G_OPTION_ARG_STRING,
       NULL,
       "Write the window as PNG once it is drawn, and end",
       "FILE"},
      {"dark", 0, 0, G_OPTION_ARG_NONE, NULL, "Dark surroundings", NULL},
      {NULL, 0, 0, 0, NULL, NULL, NULL}};
  AdwApplication* app = adw_application_new(
      "dev.lazuli.Viewer",
      G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  g_application_add_main_option_entries(G_APPLICATION(app), entries);
  g_signal_connect(
      app, "handle-local-options", G_CALLBACK(local_options), NULL);
  g_signal_connect(app, "activate", G_CALLBACK(activated), NULL);
  g_signal_connect(app, "open", G_CALLBACK(opened), NULL);
  int status = g_application_run(G_APPLICATION(app), argc, argv);
  g_object_unref(app);
  return status ? status : window_exit_status();
}
