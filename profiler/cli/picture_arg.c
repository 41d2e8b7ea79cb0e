#include "picture_arg.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int picture_arg_engine(const char* name, draw_engine* out) {
  static const char* const names[] = {"auto", "graphviz", "layered"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(name, names[i])) {
      *out = (draw_engine)i;
      return 0;
    }
  return 1;
}

int picture_arg_parse(
    const char* command, int argc, char** argv, picture_arg* out) {
  memset(out, 0, sizeof *out);
  bool draws = !strcmp(command, "draw");
  for (int i = 1; i < argc; i++) {
    const char* a = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(a, "--eval") && value) {
      out->eval = value;
      i++;
    } else if (!strcmp(a, "-o") && value) {
      out->out = value;
      i++;
    } else if (
        !strcmp(a, "--by") && value && graph_by_name(value, &out->draw.by)) {
      i++;
    } else if (
        draws && !strcmp(a, "--layout") && value &&
        !picture_arg_engine(value, &out->draw.engine)) {
      i++;
    } else if ((a[0] == '-' && a[1]) || out->trace) {
      cli_complain(
          command, "cannot take '%s'; see `lazuli help %s`", a, command);
      return CLI_MISUSED;
    } else {
      out->trace = a;
    }
  }
  if (out->trace) return CLI_OK;
  cli_complain(command, "no trace given; see `lazuli help %s`", command);
  return CLI_MISUSED;
}

int picture_arg_graph(
    const char* command, const picture_arg* arg, const model* m, graph* out) {
  uint32_t eval = MODEL_NONE;
  if (arg->eval) {
    char* end;
    unsigned long long id = strtoull(arg->eval, &end, 10);
    if (!*arg->eval || *end) {
      cli_complain(command, "'%s' is not the number of an eval", arg->eval);
      return CLI_MISUSED;
    }
    eval = graph_eval(m, id);
    if (eval == MODEL_NONE) {
      cli_complain(
          command,
          "%s: no eval %s among its %u; `lazuli report --evals` lists them",
          arg->trace,
          arg->eval,
          m->n_evals);
      return CLI_FAILED;
    }
  }
  if (!graph_make(m, eval, out)) return CLI_OK;
  cli_complain(command, "%s: not enough memory", arg->trace);
  return CLI_FAILED;
}
