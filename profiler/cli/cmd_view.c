/* lazuli view FILE: the viewer on a trace. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "trace.h"

static const char usage[] =
    "usage: lazuli view [--page=ID] [--dark] [--screenshot=FILE.png] [FILE]\n"
    "\n"
    "Opens the viewer. Pages: graph, timeline, memory, evals, kernels, "
    "fusion.\n"
    "--screenshot writes the window as a picture once it is drawn, and ends.\n";

/* Beside this program, as built; or where it is installed to. */
static const char* const places[] = {
    "lazuli-viewer",
    "../libexec/lazuli/lazuli-viewer",
    "../lib/lazuli/lazuli-viewer"};

static int view_find(char* out, size_t size) {
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return 1;
  self[n] = 0;
  char* slash = strrchr(self, '/');
  if (!slash) return 1;
  *slash = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int length = snprintf(out, size, "%s/%s", self, places[i]);
    if (length > 0 && (size_t)length < size && access(out, X_OK) == 0) return 0;
  }
  return 1;
}

/* A file that is no trace is said here, where people read it. */
static int view_check(const char* path) {
  char error[512];
  trace_reader* r = trace_reader_open(path, error, sizeof error);
  if (!r) {
    cli_complain("view", "%s", error);
    return 1;
  }
  trace_reader_close(r);
  return 0;
}

int cmd_view(int argc, char** argv) {
  if (cli_wants_help(argc, argv)) {
    fputs(usage, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++)
    if (argv[i][0] != '-' && view_check(argv[i])) return CLI_FAILED;
  char viewer[PATH_MAX + 64];
  if (view_find(viewer, sizeof viewer)) {
    cli_complain("view", "lazuli-viewer is not installed beside lazuli");
    return CLI_FAILED;
  }
  if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY")) {
    cli_complain(
        "view",
        "there is no display (DISPLAY and WAYLAND_DISPLAY are "
        "not set); `lazuli draw` and `lazuli export` make "
        "pictures without one");
    return CLI_FAILED;
  }
  argv[0] = viewer;
  execv(viewer, argv);
  cli_complain("view", "%s: %s", viewer, strerror(errno));
  return CLI_FAILED;
}
