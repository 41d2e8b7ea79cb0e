#include "export.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "export_dot.h"
#include "export_json.h"
#include "text.h"

#define EXPORTER(name, function, text) int function(const export_job* job);
#include "exporters.def"
#undef EXPORTER

static const exporter exporters_table[] = {
#define EXPORTER(name, function, text) {#name, text, function},
#include "exporters.def"
#undef EXPORTER
};

const exporter* exporters(uint32_t* count) {
  *count = sizeof exporters_table / sizeof *exporters_table;
  return exporters_table;
}

const exporter* exporter_find(const char* name) {
  for (size_t i = 0; i < sizeof exporters_table / sizeof *exporters_table; i++)
    if (!strcmp(exporters_table[i].name, name)) return &exporters_table[i];
  return NULL;
}

int export_fail(const export_job* job, const char* format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(job->error, job->error_size, format, args);
  va_end(args);
  return 1;
}

FILE* export_open(const export_job* job) {
  if (!strcmp(job->path, "-")) return stdout;
  FILE* out = fopen(job->path, "w");
  if (!out) export_fail(job, "%s: %s", job->path, strerror(errno));
  return out;
}

int export_close(const export_job* job, FILE* out) {
  errno = 0;
  int failed = ferror(out) != 0;
  failed |= out == stdout ? fflush(out) != 0 : fclose(out) != 0;
  if (failed)
    return export_fail(
        job,
        "%s: %s",
        job->path,
        errno ? strerror(errno) : "it cannot be written");
  return 0;
}

void export_json_string(FILE* out, const char* text) {
  char room[2048];
  fputc('"', out);
  for (text = text_utf8(room, sizeof room, text); *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(out, "\\%c", c);
    else if (c < ' ' || c == 0x7f)
      fprintf(out, "\\u%04x", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

int export_report_json(const export_job* job) {
  FILE* out = export_open(job);
  if (!out) return 1;
  int failed = export_json(out, job->m, job->s, job->found);
  return export_close(job, out) || (failed && export_fail(job, "no memory"));
}

int export_graph_dot(const export_job* job) {
  graph g;
  if (graph_make(job->m, MODEL_NONE, &g)) return export_fail(job, "no memory");
  FILE* out = export_open(job);
  int failed = !out;
  if (out) {
    export_dot(out, &g, GRAPH_BY_TIME);
    failed = export_close(job, out);
  }
  graph_free(&g);
  return failed;
}
