#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "figures.h"
#include "term.h"

static const char check_help[] =
    "usage: lazuli check [OPTIONS] FILE [LIMIT…]\n"
    "\n"
    "Holds a trace to limits: 'evals = 1' 'kernels <= 37' 'peak <= 1 GiB'.\n"
    "Exits with 1 where one does not hold. `lazuli check --figures` lists "
    "what\n"
    "there are limits on.\n"
    "\n"
    "  --lock FILE  limits, a line each; # begins a remark\n"
    "  --update     write the trace's own figures to the lock file instead\n"
    "  --figures    the figures\n"
    "  --color WHEN auto, always or never\n";

enum { CHECK_MOST = 64, CHECK_LINE = 256 };

typedef struct check {
  const char* path;
  const char* lock;
  bool update;
  term_colour colour;
  figures_limit limits[CHECK_MOST];
  int n;
} check;

static int check_figures(void) {
  for (int i = 0; i < FIGURES_COUNT; i++)
    printf("%-12s %s\n", figures_kinds[i].name, figures_kinds[i].text);
  return CLI_OK;
}

/* `where`: "file:line: " before a complaint, or "". */
static bool check_limit(check* c, const char* text, const char* where) {
  char error[CHECK_LINE + 80];
  if (c->n == CHECK_MOST) {
    cli_complain("check", "%smore than %d limits", where, CHECK_MOST);
    return false;
  }
  if (figures_parse(&c->limits[c->n], text, error, sizeof error)) {
    c->n++;
    return true;
  }
  cli_complain("check", "%s%s", where, error);
  return false;
}

static bool check_read(check* c) {
  FILE* file = fopen(c->lock, "re");
  if (!file) {
    cli_complain("check", "%s: %s", c->lock, strerror(errno));
    return false;
  }
  char line[CHECK_LINE], where[CHECK_LINE + 32];
  bool fine = true;
  for (int n = 1; fine && fgets(line, sizeof line, file); n++) {
    line[strcspn(line, "#\r\n")] = 0;
    snprintf(where, sizeof where, "%.200s:%d: ", c->lock, n);
    if (line[strspn(line, " \t")]) fine = check_limit(c, line, where);
  }
  fclose(file);
  return fine;
}

static int check_write(const check* c, const figures* f) {
  FILE* file = fopen(c->lock, "we");
  bool fine = file != NULL;
  if (fine) {
    fprintf(file, "# What lazuli check holds a trace to.\n");
    for (int i = 0; i < FIGURES_COUNT; i++)
      if (figures_kinds[i].steady)
        fprintf(file, "%s <= %" PRIu64 "\n", figures_kinds[i].name, f->at[i]);
    fine = !ferror(file);
    fine = !fclose(file) && fine;
  }
  if (!fine) cli_complain("check", "%s: %s", c->lock, strerror(errno));
  return fine ? CLI_OK : CLI_FAILED;
}

static int check_all(const check* c, const figures* f) {
  term t = term_open(stdout, c->colour);
  int broken = 0;
  for (int i = 0; i < c->n; i++) {
    figures_limit limit = c->limits[i];
    char is[TEXT_SIZE], most[TEXT_SIZE];
    bool holds = figures_hold(f, limit);
    broken += !holds;
    term_print(&t, holds ? TERM_GOOD : TERM_BAD, holds ? "ok    " : "BROKEN");
    fprintf(
        t.out,
        "  %-12s %12s  %s %s\n",
        figures_kinds[limit.id].name,
        figures_text(is, limit.id, f->at[limit.id]),
        limit.equal ? " =" : "<=",
        figures_text(most, limit.id, limit.value));
  }
  if (broken) fprintf(t.out, "%d of %d limits do not hold\n", broken, c->n);
  return broken ? CLI_FAILED : CLI_OK;
}

/* Statuses as in cli.h; -1: go on. */
static int check_arguments(check* c, int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    const char* a = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(a, "--figures")) return check_figures();
    if (!strcmp(a, "--update")) {
      c->update = true;
    } else if (!strcmp(a, "--lock") && *value) {
      c->lock = argv[++i];
    } else if (!strcmp(a, "--color") && term_colour_of(value, &c->colour)) {
      i++;
    } else if (a[0] == '-') {
      cli_complain("check", "cannot take '%s'; see `lazuli help check`", a);
      return CLI_MISUSED;
    } else if (!c->path) {
      c->path = a;
    } else if (!check_limit(c, a, "")) {
      return CLI_MISUSED;
    }
  }
  const char* lacks = !c->path                ? "no trace given"
                      : c->update && !c->lock ? "--update needs --lock FILE"
                      : !c->lock && !c->n     ? "no limit given"
                                              : NULL;
  if (lacks) cli_complain("check", "%s; see `lazuli help check`", lacks);
  return lacks ? CLI_MISUSED : -1;
}

int cmd_check(int argc, char** argv) {
  check c = {.colour = TERM_AUTO};
  figures f;
  if (cli_wants_help(argc, argv)) {
    fputs(check_help, stdout);
    return CLI_OK;
  }
  int status = check_arguments(&c, argc, argv);
  if (status >= 0) return status;
  if (c.lock && !c.update && !check_read(&c)) return CLI_MISUSED;
  if (figures_load(&f, "check", c.path)) return CLI_FAILED;
  status = c.update ? check_write(&c, &f) : check_all(&c, &f);
  int damaged = figures_done(&f, "check");
  return status ? status : damaged;
}
