#include <string.h>

#include "cli.h"
#include "export.h"
#include "trace_arg.h"

static const char export_help[] =
    "usage: lazuli export --format=FORMAT FILE -o OUT\n"
    "\n"
    "A trace in the form of another program.\n"
    "\n"
    "  --format=FORMAT  one of those below\n"
    "  -o OUT           the file to write; \"-\" is the standard output\n"
    "\n";

static void export_print_help(void) {
  uint32_t n;
  const exporter* all = exporters(&n);
  fputs(export_help, stdout);
  for (uint32_t i = 0; i < n; i++)
    printf("%-15s %s\n", all[i].name, all[i].text);
}

static int export_run(const export_job* job, const exporter* to) {
  export_job all = *job;
  findings found = {0};
  summary* s = summary_new(job->m);
  all.s = s;
  all.found = &found;
  int failed = !s || rules_find(job->m, s, &found);
  if (failed)
    cli_complain("export", "not enough memory");
  else if ((failed = to->run(&all)))
    cli_complain("export", "%s", job->error);
  rules_free(&found);
  summary_free(s);
  return failed;
}

int cmd_export(int argc, char** argv) {
  const char *format = NULL, *trace = NULL;
  char error[512] = "";
  export_job job = {.error = error, .error_size = sizeof error};
  if (cli_wants_help(argc, argv)) {
    export_print_help();
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    const char* a = argv[i];
    bool more = i + 1 < argc;
    if (!strncmp(a, "--format=", 9)) {
      format = a + 9;
    } else if (!strcmp(a, "--format") && more) {
      format = argv[++i];
    } else if (!strcmp(a, "-o") && more) {
      job.path = argv[++i];
    } else if (a[0] == '-' || trace) {
      cli_complain("export", "cannot take '%s'; see `lazuli help export`", a);
      return CLI_MISUSED;
    } else {
      trace = a;
    }
  }
  if (!format || !trace || !job.path) {
    cli_complain(
        "export",
        "%s; see `lazuli help export`",
        !trace    ? "no trace given"
        : !format ? "no --format=FORMAT"
                  : "no file to write: -o OUT");
    return CLI_MISUSED;
  }
  const exporter* to = exporter_find(format);
  if (!to) {
    cli_complain(
        "export", "no format '%s'; `lazuli help export` lists them", format);
    return CLI_MISUSED;
  }
  model* m = trace_arg_load("export", trace);
  if (!m) return CLI_FAILED;
  job.m = m;
  int failed = export_run(&job, to);
  int status = trace_arg_done("export", m);
  return failed ? CLI_FAILED : status;
}
