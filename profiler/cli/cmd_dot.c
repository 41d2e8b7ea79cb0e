#include <errno.h>
#include <string.h>

#include "cli.h"
#include "export_dot.h"
#include "picture_arg.h"
#include "trace_arg.h"

static const char dot_help[] =
    "usage: lazuli dot [OPTIONS] FILE\n"
    "\n"
    "The graph of a trace in Graphviz' DOT language: evaluations and fused\n"
    "kernels as clusters, edges across evaluations dashed and red.\n"
    "\n"
    "  --eval N     only this evaluation, by its number in report --evals\n"
    "  --by WHAT    colour by time (the default), bytes or dtype\n"
    "  -o FILE      write there instead of to the standard output\n";

int cmd_dot(int argc, char** argv) {
  picture_arg arg;
  graph g;
  if (cli_wants_help(argc, argv)) {
    fputs(dot_help, stdout);
    return CLI_OK;
  }
  int status = picture_arg_parse("dot", argc, argv, &arg);
  if (status) return status;
  model* m = trace_arg_load("dot", arg.trace);
  if (!m) return CLI_FAILED;
  status = picture_arg_graph("dot", &arg, m, &g);
  if (status) {
    model_free(m);
    return status;
  }
  bool file = arg.out && strcmp(arg.out, "-") != 0;
  FILE* out = file ? fopen(arg.out, "w") : stdout;
  bool failed = !out || export_dot(out, &g, arg.draw.by);
  if (file && out) failed |= fclose(out) != 0;
  if (failed)
    cli_complain(
        "dot",
        "%s: %s",
        file ? arg.out : "the standard output",
        errno ? strerror(errno) : "cannot be written");
  graph_free(&g);
  status = trace_arg_done("dot", m);
  return failed ? CLI_FAILED : status;
}
