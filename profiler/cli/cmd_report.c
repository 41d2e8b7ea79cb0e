#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "export_json.h"
#include "report.h"
#include "trace_arg.h"

static const char report_help[] =
    "usage: lazuli report [OPTIONS] FILE\n"
    "\n"
    "What a trace tells: evaluations and what triggered them, kernels, memory\n"
    "at its peak, fusion, waits, compiled functions, findings.\n"
    "\n"
    "  --json       the same as JSON, for programs\n"
    "  --evals      each evaluation, not grouped by line\n"
    "  --shapes     kernels by the shape of their result as well\n"
    "  --blame      work by the line that triggered and the line that built "
    "it\n"
    "  --top N      rows of a table (12)\n"
    "  --color WHEN auto, always or never\n";

static void report_print(const report* r) {
  report_header(r);
  report_findings(r);
  report_evals(r);
  report_kernels(r);
  report_streams(r);
  report_memory(r);
  report_fusion(r);
  report_waits(r);
  report_compiles(r);
  if (r->blame) report_blame(r);
  report_recording(r);
}

int cmd_report(int argc, char** argv) {
  report r = {.top = 12};
  bool json = false;
  term_colour colour = TERM_AUTO;
  if (cli_wants_help(argc, argv)) {
    fputs(report_help, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    const char* a = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(a, "--json")) {
      json = true;
    } else if (!strcmp(a, "--evals")) {
      r.each_eval = true;
    } else if (!strcmp(a, "--shapes")) {
      r.shapes = true;
    } else if (!strcmp(a, "--blame")) {
      r.blame = true;
    } else if (!strcmp(a, "--top") && atoi(value) > 0) {
      r.top = (uint32_t)atoi(argv[++i]);
    } else if (!strcmp(a, "--color") && term_colour_of(value, &colour)) {
      i++;
    } else if (a[0] == '-' || r.path) {
      cli_complain("report", "cannot take '%s'; see `lazuli help report`", a);
      return CLI_MISUSED;
    } else {
      r.path = a;
    }
  }
  if (!r.path) {
    cli_complain("report", "no trace given; see `lazuli help report`");
    return CLI_MISUSED;
  }
  model* m = trace_arg_load("report", r.path);
  if (!m) return CLI_FAILED;
  findings found = {0};
  summary* s = summary_new(m);
  int failed = !s || rules_find(m, s, &found);
  if (!failed) {
    r.term = term_open(stdout, colour);
    r.m = m;
    r.s = s;
    r.found = &found;
    if (json)
      failed = export_json(stdout, m, s, &found);
    else
      report_print(&r);
  }
  if (failed) cli_complain("report", "%s: not enough memory", r.path);
  rules_free(&found);
  summary_free(s);
  int status = trace_arg_done("report", m);
  return failed ? CLI_FAILED : status;
}
