#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "figures.h"
#include "term.h"

static const char diff_help[] =
    "usage: lazuli diff [OPTIONS] BEFORE AFTER\n"
    "\n"
    "What changed from one trace to another: the figures of the runs, and the\n"
    "lines that evaluate, kernels and findings whose counts differ, or whose\n"
    "time does by a tenth. Lines are compared by file and line.\n"
    "\n"
    "  --top N      rows of a table (12)\n"
    "  --color WHEN auto, always or never\n";

/* Something that both runs may have, by name: how often, and how long. */
typedef struct diff_row {
  char name[200];
  uint64_t count[2];
  uint64_t ns[2];
} diff_row;

typedef struct diff_rows {
  diff_row* at;
  uint32_t n, room;
} diff_rows;

static diff_row* diff_add(diff_rows* rows) {
  if (rows->n == rows->room) {
    uint32_t room = rows->room ? 2 * rows->room : 64;
    diff_row* at = realloc(rows->at, room * sizeof *at);
    if (!at) return NULL;
    rows->at = at;
    rows->room = room;
  }
  diff_row* row = &rows->at[rows->n++];
  memset(row, 0, sizeof *row);
  return row;
}

static int diff_by_name(const void* a, const void* b) {
  return strcmp(((const diff_row*)a)->name, ((const diff_row*)b)->name);
}

static uint64_t diff_change(const diff_row* row) {
  return row->ns[0] > row->ns[1] ? row->ns[0] - row->ns[1]
                                 : row->ns[1] - row->ns[0];
}

static int diff_by_change(const void* a, const void* b) {
  uint64_t x = diff_change(a), y = diff_change(b);
  return x != y ? (x < y ? 1 : -1) : diff_by_name(a, b);
}

static bool diff_is_change(const diff_row* row) {
  uint64_t larger = row->ns[0] > row->ns[1] ? row->ns[0] : row->ns[1];
  return row->count[0] != row->count[1] || diff_change(row) > larger / 10;
}

/* Rows of one name become one; then those that changed, most first. */
static void diff_match(diff_rows* rows) {
  uint32_t n = 0, kept = 0;
  if (!rows->n) return;
  qsort(rows->at, rows->n, sizeof *rows->at, diff_by_name);
  for (uint32_t i = 0; i < rows->n; i++) {
    if (n && !strcmp(rows->at[n - 1].name, rows->at[i].name)) {
      for (int side = 0; side < 2; side++) {
        rows->at[n - 1].count[side] += rows->at[i].count[side];
        rows->at[n - 1].ns[side] += rows->at[i].ns[side];
      }
    } else {
      rows->at[n++] = rows->at[i];
    }
  }
  for (uint32_t i = 0; i < n; i++)
    if (diff_is_change(&rows->at[i])) rows->at[kept++] = rows->at[i];
  rows->n = kept;
  qsort(rows->at, rows->n, sizeof *rows->at, diff_by_change);
}

/* ---- what is compared --------------------------------------------------- */

static bool diff_evals(diff_rows* rows, const figures* f, int side) {
  for (uint32_t i = 0; i < f->s->n_evals; i++) {
    const summary_eval* e = &f->s->evals[i];
    diff_row* row = diff_add(rows);
    char place[160];
    if (!row) return false;
    summary_place_text(place, sizeof place, f->m, e->place, false);
    snprintf(
        row->name, sizeof row->name, "%s %s", text_trigger(e->trigger), place);
    row->count[side] = e->count;
    row->ns[side] = e->total_ns;
  }
  return true;
}

static bool diff_kernels(diff_rows* rows, const figures* f, int side) {
  for (uint32_t i = 0; i < f->s->n_kernels; i++) {
    const summary_kernel* k = &f->s->kernels[i];
    diff_row* row = diff_add(rows);
    if (!row) return false;
    snprintf(row->name, sizeof row->name, "%s", model_string(f->m, k->name));
    row->count[side] = k->count;
    row->ns[side] = k->total_ns;
  }
  return true;
}

static bool diff_findings(diff_rows* rows, const figures* f, int side) {
  for (uint32_t i = 0; i < f->found.n; i++) {
    const finding* found = &f->found.at[i];
    diff_row* row = diff_add(rows);
    char place[100];
    if (!row) return false;
    summary_place_text(place, sizeof place, f->m, found->place, false);
    snprintf(
        row->name,
        sizeof row->name,
        "%s %s %s",
        found->rule->id,
        place,
        found->rule->title);
    row->count[side] = found->count;
    row->ns[side] = found->cost_ns;
  }
  return true;
}

static const struct {
  const char* title;
  const char* column;
  bool (*collect)(diff_rows*, const figures*, int side);
} diff_sections[] = {
    {"EVALS", "evaluated by", diff_evals},
    {"KERNELS", "kernel", diff_kernels},
    {"FINDINGS", "finding", diff_findings},
};

/* ---- printing ----------------------------------------------------------- */

/* "+12.5 %", or what it began or ended with. */
static char* diff_share(char out[TEXT_SIZE], uint64_t before, uint64_t after) {
  if (before == after)
    snprintf(out, TEXT_SIZE, "=");
  else if (!before || !after)
    snprintf(out, TEXT_SIZE, before ? "gone" : "new");
  else
    snprintf(
        out, TEXT_SIZE, "%+.1f %%", ((double)after / (double)before - 1) * 100);
  return out;
}

static void diff_print_figures(const term* t, const figures f[2]) {
  static const term_column columns[] = {
      {"figure", false, false, TERM_NAME},
      {"before", true, false, TERM_PLAIN},
      {"after", true, false, TERM_PLAIN},
      {"change", true, false, TERM_PLAIN},
      {"", false, true, TERM_HEAD},
  };
  term_section(t, "FIGURES", "");
  term_table* table = term_table_new(columns, 5);
  for (int i = 0; i < FIGURES_COUNT; i++) {
    char text[TEXT_SIZE];
    term_table_cell(table, "%s", figures_kinds[i].name);
    for (int side = 0; side < 2; side++)
      term_table_cell(
          table, "%s", figures_text(text, (figures_id)i, f[side].at[i]));
    term_table_cell(table, "%s", diff_share(text, f[0].at[i], f[1].at[i]));
    term_table_cell(table, "%s", figures_kinds[i].text);
  }
  term_table_end(t, table);
}

static void diff_print_rows(
    const term* t, const diff_rows* rows, const char* column, uint32_t top) {
  const term_column columns[] = {
      {"count", true, false, TERM_PLAIN},
      {"was", true, false, TERM_PLAIN},
      {"time", true, false, TERM_PLAIN},
      {"was", true, false, TERM_PLAIN},
      {"change", true, false, TERM_PLAIN},
      {column, false, true, TERM_NAME},
  };
  term_table* table = term_table_new(columns, 6);
  for (uint32_t i = 0; i < rows->n && i < top; i++) {
    const diff_row* r = &rows->at[i];
    char text[TEXT_SIZE];
    for (int side = 1; side >= 0; side--)
      term_table_cell(table, "%s", text_count(text, r->count[side]));
    for (int side = 1; side >= 0; side--)
      term_table_cell(
          table, "%s", r->count[side] ? text_ns(text, r->ns[side]) : "");
    term_table_cell(
        table,
        "%s",
        r->count[0] && r->count[1] ? diff_share(text, r->ns[0], r->ns[1])
        : r->count[0]              ? "gone"
                                   : "new");
    term_table_cell(table, "%s", r->name);
  }
  term_table_end(t, table);
  if (rows->n > top)
    term_print(
        t,
        TERM_HEAD,
        "  … and %u more; --top %u shows all.\n",
        rows->n - top,
        rows->n);
}

static bool diff_print(const term* t, const figures f[2], uint32_t top) {
  bool fine = true;
  diff_print_figures(t, f);
  for (size_t i = 0; fine && i < sizeof diff_sections / sizeof *diff_sections;
       i++) {
    diff_rows rows = {0};
    for (int side = 0; fine && side < 2; side++)
      fine = diff_sections[i].collect(&rows, &f[side], side);
    diff_match(&rows);
    char line[64], n[TEXT_SIZE];
    snprintf(line, sizeof line, "%s changed", text_count(n, rows.n));
    term_section(t, diff_sections[i].title, rows.n ? line : "none changed");
    if (fine && rows.n) diff_print_rows(t, &rows, diff_sections[i].column, top);
    free(rows.at);
  }
  return fine;
}

int cmd_diff(int argc, char** argv) {
  const char* paths[2] = {NULL, NULL};
  int n = 0;
  uint32_t top = 12;
  term_colour colour = TERM_AUTO;
  if (cli_wants_help(argc, argv)) {
    fputs(diff_help, stdout);
    return CLI_OK;
  }
  for (int i = 1; i < argc; i++) {
    const char* a = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(a, "--top") && atoi(value) > 0) {
      top = (uint32_t)atoi(argv[++i]);
    } else if (!strcmp(a, "--color") && term_colour_of(value, &colour)) {
      i++;
    } else if (a[0] == '-' || n == 2) {
      cli_complain("diff", "cannot take '%s'; see `lazuli help diff`", a);
      return CLI_MISUSED;
    } else {
      paths[n++] = a;
    }
  }
  if (n < 2) {
    cli_complain("diff", "two traces are compared; see `lazuli help diff`");
    return CLI_MISUSED;
  }
  figures f[2];
  if (figures_load(&f[0], "diff", paths[0])) return CLI_FAILED;
  if (figures_load(&f[1], "diff", paths[1])) {
    figures_done(&f[0], "diff");
    return CLI_FAILED;
  }
  term t = term_open(stdout, colour);
  int failed = diff_print(&t, f, top) ? CLI_OK : CLI_FAILED;
  if (failed) cli_complain("diff", "not enough memory");
  for (int side = 0; side < 2; side++) failed |= figures_done(&f[side], "diff");
  return failed;
}
