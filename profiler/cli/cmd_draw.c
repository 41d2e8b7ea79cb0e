#include "cli.h"
#include "draw.h"
#include "picture_arg.h"
#include "trace_arg.h"

static const char draw_help[] =
    "usage: lazuli draw [OPTIONS] FILE -o PICTURE\n"
    "\n"
    "The graph of a trace as a picture; its name ends in .svg, .png or .pdf.\n"
    "\n"
    "  --eval N        only this evaluation, by its number in report --evals\n"
    "  --by WHAT       colour by time (the default), bytes or dtype\n"
    "  --layout WHICH  graphviz, layered, or auto: Graphviz up to 800 nodes,\n"
    "                  above that a layered layout that takes linear time\n"
    "  -o PICTURE      the file to write\n";

int cmd_draw(int argc, char** argv) {
  picture_arg arg;
  graph g;
  char error[512];
  float scale = 1;
  if (cli_wants_help(argc, argv)) {
    fputs(draw_help, stdout);
    return CLI_OK;
  }
  int status = picture_arg_parse("draw", argc, argv, &arg);
  if (status) return status;
  if (!arg.out) {
    cli_complain("draw", "no picture named: -o FILE.svg, .png or .pdf");
    return CLI_MISUSED;
  }
  model* m = trace_arg_load("draw", arg.trace);
  if (!m) return CLI_FAILED;
  status = picture_arg_graph("draw", &arg, m, &g);
  if (status) {
    model_free(m);
    return status;
  }
  int failed = draw(&g, &arg.draw, arg.out, &scale, error, sizeof error);
  if (failed)
    cli_complain("draw", "%s", error);
  else if (scale < 0.5f)
    cli_complain(
        "draw",
        "%s is drawn at %.2g of its size, to fit the format; an .svg or one "
        "--eval shows more",
        arg.out,
        (double)scale);
  graph_free(&g);
  status = trace_arg_done("draw", m);
  return failed ? CLI_FAILED : status;
}
