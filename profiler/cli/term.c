#include "term.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

static const char* const term_codes[] = {
    [TERM_PLAIN] = "\033[0m",
    [TERM_TITLE] = "\033[1;34m",
    [TERM_HEAD] = "\033[2m",
    [TERM_PLACE] = "\033[36m",
    [TERM_NAME] = "\033[1m",
    [TERM_GOOD] = "\033[32m",
    [TERM_BAD] = "\033[1;33m",
    [TERM_BAR] = "\033[34m",
};

bool term_colour_of(const char* word, term_colour* colour) {
  static const char* const words[] = {"auto", "always", "never"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(word, words[i])) {
      *colour = (term_colour)i;
      return true;
    }
  return false;
}

term term_open(FILE* out, term_colour colour) {
  term t = {.out = out, .width = 100};
  bool tty = isatty(fileno(out));
  const char* no = getenv("NO_COLOR");
  const char* kind = getenv("TERM");
  bool able = tty && !(no && *no) && !(kind && strcmp(kind, "dumb") == 0);
  t.colour = colour == TERM_ALWAYS || (colour == TERM_AUTO && able);
  struct winsize size;
  const char* columns = getenv("COLUMNS");
  if (tty && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
    t.width = size.ws_col;
  else if (columns && atoi(columns) > 0)
    t.width = atoi(columns);
  if (t.width < 60) t.width = 60;
  if (t.width > 2000) t.width = 2000;
  return t;
}

void term_set(const term* t, term_style style) {
  if (t->colour) fputs(term_codes[style], t->out);
}

static void term_clean(char* text) {
  for (; *text; text++)
    if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
}

void term_print(const term* t, term_style style, const char* format, ...) {
  char text[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  for (char *line = text, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = 0;
    char room[sizeof text];
    term_clean(line);
    const char* shown = text_utf8(room, sizeof room, line);
    if (style != TERM_PLAIN && *line) term_set(t, style);
    fputs(shown, t->out);
    if (style != TERM_PLAIN && *line) term_set(t, TERM_PLAIN);
    if (next) fputc('\n', t->out);
  }
}

int term_columns(const char* text) {
  int n = 0;
  for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

void term_paragraph(
    const term* t, term_style style, int indent, const char* text) {
  int room = t->width - indent;
  while (*text) {
    /* As many words as fit; one that is too long has a line of its own. */
    size_t take = 0;
    for (size_t end = 0, n = 0; text[end]; end = n) {
      n = end + strspn(text + end, " ");
      n += strcspn(text + n, " ");
      char line[1024];
      snprintf(line, sizeof line, "%.*s", (int)n, text);
      if (take && term_columns(line) > room) break;
      take = n;
    }
    fprintf(t->out, "%*s", indent, "");
    term_print(t, style, "%.*s", (int)take, text);
    fputc('\n', t->out);
    text += take;
    text += strspn(text, " ");
  }
}

void term_section(const term* t, const char* title, const char* summary) {
  fputc('\n', t->out);
  term_print(t, TERM_TITLE, "%s", title);
  int used = term_columns(title);
  if (*summary) {
    term_print(t, TERM_PLAIN, "  %s", summary);
    used += 2 + term_columns(summary);
  }
  fputc(' ', t->out);
  term_set(t, TERM_HEAD);
  for (int i = used + 1; i < t->width; i++) fputs("─", t->out);
  term_set(t, TERM_PLAIN);
  fputc('\n', t->out);
}

char* term_bar(char out[TERM_BAR_SIZE], double share, int columns) {
  static const char* const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (columns > 40) columns = 40;
  double eighths = share > 1   ? columns * 8
                   : share > 0 ? share * columns * 8
                               : 0;
  int n = (int)(eighths + 0.5);
  char* end = out;
  for (int i = 0; i < n / 8; i++) end = stpcpy(end, "█");
  stpcpy(end, parts[n % 8]);
  return out;
}

void term_curve(const term* t, const uint64_t* values, int n) {
  static const char* const heights[] = {
      " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  uint64_t top = 0;
  for (int i = 0; i < n; i++) top = values[i] > top ? values[i] : top;
  term_set(t, TERM_BAR);
  for (int i = 0; i < n; i++) {
    double share = top ? (double)values[i] / (double)top : 0;
    int height = (int)(share * 8 + 0.5);
    fputs(heights[!height && values[i] ? 1 : height], t->out);
  }
  term_set(t, TERM_PLAIN);
}

/* ---- tables ------------------------------------------------------------- */

#define TERM_COLUMNS 32

struct term_table {
  term_column columns[TERM_COLUMNS];
  int n;
  char** cells;
  size_t n_cells;
  size_t room;
};

term_table* term_table_new(const term_column* columns, int n) {
  term_table* table = calloc(1, sizeof *table);
  if (table) {
    table->n = n < TERM_COLUMNS ? n : TERM_COLUMNS;
    memcpy(table->columns, columns, (size_t)table->n * sizeof *columns);
  }
  return table;
}

void term_table_cell(term_table* table, const char* format, ...) {
  if (!table) return;
  if (table->n_cells == table->room) {
    size_t room = table->room ? table->room * 2 : 64;
    char** cells = realloc(table->cells, room * sizeof *cells);
    if (!cells) return;
    table->cells = cells;
    table->room = room;
  }
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  term_clean(text);
  char room[sizeof text];
  char* cell = strdup(text_utf8(room, sizeof room, text));
  if (cell) table->cells[table->n_cells++] = cell;
}

/* The bytes of the first `columns` columns of a text. */
static size_t term_prefix(const char* text, int columns) {
  const char* p = text;
  for (; *p; p++)
    if (((unsigned char)*p & 0xc0) != 0x80 && columns-- == 0) break;
  return (size_t)(p - text);
}

static void term_cell(
    const term* t,
    const term_column* c,
    const char* text,
    int width,
    term_style style,
    bool last) {
  int columns = term_columns(text), pad = width - columns;
  for (int i = 0; c->right && i < pad; i++) fputc(' ', t->out);
  bool styled = style != TERM_PLAIN && *text;
  if (styled) term_set(t, style);
  if (columns <= width) {
    fputs(text, t->out);
  } else if (c->style == TERM_PLACE) {
    fputs("…", t->out);
    fputs(text + term_prefix(text, columns - width + 1), t->out);
  } else {
    fwrite(text, 1, term_prefix(text, width - 1), t->out);
    fputs("…", t->out);
  }
  if (styled) term_set(t, TERM_PLAIN);
  for (int i = 0; !c->right && !last && i < pad; i++) fputc(' ', t->out);
}

/* What the columns would take; returns the sum. */
static int term_widths(const term_table* table, int* widths) {
  int total = 2 * (table->n - 1) + 2;
  for (int c = 0; c < table->n; c++)
    widths[c] = term_columns(table->columns[c].title);
  for (size_t i = 0; i < table->n_cells; i++) {
    int n = term_columns(table->cells[i]), c = (int)(i % (size_t)table->n);
    widths[c] = n > widths[c] ? n : widths[c];
  }
  for (int c = 0; c < table->n; c++) total += widths[c];
  return total;
}

/* Takes from the widest that may shrink, one column at a time; from places only
 * when the others have given what they can. */
static void term_shrink(
    const term* t, const term_table* table, int* widths, int total) {
  for (int places = 0; places < 2; places++)
    for (; total > t->width; total--) {
      int widest = -1;
      for (int c = 0; c < table->n; c++) {
        const term_column* column = &table->columns[c];
        if (column->shrink && (places || column->style != TERM_PLACE) &&
            widths[c] > (column->style == TERM_PLACE ? 10 : 6) &&
            widths[c] > term_columns(column->title) &&
            (widest < 0 || widths[c] > widths[widest]))
          widest = c;
      }
      if (widest < 0) break;
      widths[widest]--;
    }
}

/* A column in which no row has anything to say. */
static bool term_column_is_empty(const term_table* table, int c) {
  for (size_t i = (size_t)c; i < table->n_cells; i += (size_t)table->n)
    if (table->cells[i][strspn(table->cells[i], " ")]) return false;
  return table->n_cells > 0;
}

/* Leaves out empty columns; `bars`: and bars. */
static void term_drop(term_table* table, bool bars) {
  int kept = 0;
  size_t n = 0;
  bool keep[TERM_COLUMNS];
  for (int c = 0; c < table->n; c++)
    keep[c] = !term_column_is_empty(table, c) &&
              !(bars && table->columns[c].style == TERM_BAR);
  for (size_t i = 0; i < table->n_cells; i++) {
    if (keep[i % (size_t)table->n])
      table->cells[n++] = table->cells[i];
    else
      free(table->cells[i]);
  }
  table->n_cells = n;
  for (int c = 0; c < table->n; c++)
    if (keep[c]) table->columns[kept++] = table->columns[c];
  table->n = kept;
}

void term_table_end(const term* t, term_table* table) {
  if (!table) return;
  int widths[TERM_COLUMNS] = {0};
  term_drop(table, false);
  /* Words need the room of bars. */
  if (term_widths(table, widths) > t->width) {
    term_drop(table, true);
    term_shrink(t, table, widths, term_widths(table, widths));
  }
  int titled = table->n; /* no blanks at the end of a line */
  while (titled > 1 && !*table->columns[titled - 1].title) titled--;
  for (int c = 0; c < titled; c++) {
    fputs("  ", t->out);
    const term_column* column = &table->columns[c];
    bool last = c == titled - 1;
    term_cell(t, column, column->title, widths[c], TERM_HEAD, last);
  }
  fputc('\n', t->out);
  for (size_t row = 0; row + (size_t)table->n <= table->n_cells;
       row += (size_t)table->n) {
    int end = table->n;
    while (end > 1 && !*(table->cells[row + (size_t)end - 1] +
                         strspn(table->cells[row + (size_t)end - 1], " ")))
      end--;
    for (int c = 0; c < end; c++) {
      const term_column* column = &table->columns[c];
      fputs("  ", t->out);
      term_cell(
          t,
          column,
          table->cells[row + (size_t)c],
          widths[c],
          column->style,
          c == end - 1);
    }
    fputc('\n', t->out);
  }
  for (size_t i = 0; i < table->n_cells; i++) free(table->cells[i]);
  free(table->cells);
  free(table);
}
