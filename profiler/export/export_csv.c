/* One CSV file a table (RFC 4180), in a directory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "export.h"
#include "tables.h"
#include "text.h"

typedef struct csv_sink {
  tables_sink base;
  FILE* out;
} csv_sink;

static void csv_number(tables_sink* sink, uint64_t value) {
  fprintf(((csv_sink*)sink)->out, ",%" PRIu64, value);
}

static void csv_text(tables_sink* sink, const char* text) {
  FILE* out = ((csv_sink*)sink)->out;
  char room[2048];
  text = text_utf8(room, sizeof room, text);
  fputc(',', out);
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

static void csv_null(tables_sink* sink) {
  fputc(',', ((csv_sink*)sink)->out);
}

static int csv_table(const export_job* job, const tables_table* t) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.csv", job->path, t->name);
  export_job one = *job;
  one.path = path;
  FILE* out = export_open(&one);
  if (!out) return 1;
  fputs("row", out);
  for (uint32_t c = 0; c < t->n_columns; c++)
    fprintf(out, ",%s", t->columns[c].name);
  fputs("\r\n", out);
  csv_sink sink = {{csv_number, csv_text, csv_null}, out};
  uint32_t n = t->rows(job->m);
  for (uint32_t i = 0; i < n; i++) {
    fprintf(out, "%u", i);
    t->row(job->m, i, &sink.base);
    fputs("\r\n", out);
  }
  return export_close(&one, out);
}

int export_csv(const export_job* job) {
  if (mkdir(job->path, 0777) && errno != EEXIST)
    return export_fail(job, "%s: %s", job->path, strerror(errno));
  uint32_t n;
  const tables_table* all = tables(&n);
  for (uint32_t i = 0; i < n; i++)
    if (csv_table(job, &all[i])) return 1;
  return 0;
}
