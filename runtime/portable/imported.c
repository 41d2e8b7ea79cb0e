#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "portable/exporter.h"
#include "portable/reader.h"

struct lz_imported {
  lz_function* functions;
  bool shapeless;
  char* path;
};

lz_imported* imported_new(const char* path) {
  lz_imported* i = calloc(1, sizeof *i);
  if (!i) return error_memory();
  if (!(i->path = strdup(path))) error_memory();
  if (i->path && reader_open(path, &i->functions, &i->shapeless) == 0) return i;
  imported_free(i);
  return NULL;
}

void imported_free(lz_imported* i) {
  if (!i) return;
  while (i->functions) {
    lz_function* next = i->functions->next;
    function_free(i->functions);
    i->functions = next;
  }
  free(i->path);
  free(i);
}

/* What was given, and as much as fits of what the file has. */
static int imported_none(const lz_imported* i, const function_call* c) {
  char given[256], has[640];
  size_t at = 0;
  int n = 0;
  function_describe_call(c, given, sizeof given);
  has[0] = 0;
  for (const lz_function* f = i->functions; f; f = f->next) {
    char text[256];
    function_describe(f, text, sizeof text);
    int more = snprintf(has + at, sizeof has - at, "\n  %d. %s", ++n, text);
    if (more > 0) at += (size_t)more;
    if (at >= sizeof has) at = sizeof has - 1;
  }
  return error_fail(
      "[import_function] %s has no function that takes %s. It has %d%s:%s",
      i->path,
      given,
      n,
      i->shapeless ? ", of any shape" : "",
      has);
}

int imported_apply(
    const lz_imported* i,
    const lz_list* args,
    const lz_map* kwargs,
    lz_list* out) {
  function_call c;
  if (function_call_make(&c, args, kwargs)) return 1;
  const lz_function* f = NULL;
  for (int exact = 1; exact >= 0 && !f; exact--) {
    f = i->functions;
    while (f && !function_matches(f, &c, i->shapeless, exact)) f = f->next;
  }
  int failed =
      f ? function_apply(f, c.in, i->shapeless, out) : imported_none(i, &c);
  if (f && failed) error_context("[import_function] %s", i->path);
  function_call_clear(&c);
  return failed;
}
