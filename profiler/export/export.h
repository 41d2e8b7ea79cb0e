/* Traces in the forms of other programs; the list is exporters.def. */
#ifndef EXPORT_H
#define EXPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"
#include "rules.h"
#include "summary.h"

typedef struct export_job {
  const model* m;
  const summary* s;
  const findings* found;
  const char* path; /* to write; "-" is the standard output */
  char* error;      /* for one line */
  size_t error_size;
} export_job;

typedef struct exporter {
  const char* name;
  const char* text;
  int (*run)(const export_job* job); /* 0, or 1 with job->error */
} exporter;

/* All of them; one by its name, or NULL. */
const exporter* exporters(uint32_t* count);
const exporter* exporter_find(const char* name);

/* ---- for exporters ------------------------------------------------------ */

/* The job's file; NULL with the error told. Close with export_close(), which
 * gives the exporter's answer. */
FILE* export_open(const export_job* job);
int export_close(const export_job* job, FILE* out);
/* Tells an error; always 1. */
int export_fail(const export_job* job, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes. What is no UTF-8 becomes "?". */
void export_json_string(FILE* out, const char* text);

#endif
