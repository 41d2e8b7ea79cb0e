/* Functions written to a file, and called from there. */
#ifndef PORTABLE_EXPORTER_H
#define PORTABLE_EXPORTER_H

#include "portable/function.h"

/* Writes what a closure does with one set of arguments after another. What is
 * at the path is replaced when the first function is complete, and is a whole
 * file after each. One thread at a time. */
typedef struct lz_exporter lz_exporter;

/* NULL with a message, where nothing can be written beside the path, too. */
lz_exporter* exporter_new(const char* path, lz_closure* f, bool shapeless);
/* Traces with such arguments and appends. Arguments of a signature that is
 * there already are an error. kwargs may be NULL. */
int exporter_apply(lz_exporter* e, const lz_list* args, const lz_map* kwargs);
/* Takes NULL. A file without any function is one, too. Non-zero with a message
 * where bytes did not reach the file. */
int exporter_free(lz_exporter* e);

/* New, one function, free; nothing is left beside the path on failure. */
int exporter_once(
    const char* path,
    lz_closure* f,
    const lz_list* args,
    const lz_map* kwargs,
    bool shapeless);

/* A file's functions. Constants that are large are read when they are first
 * needed, so the file stays open. Does not change; any thread may call. */
typedef struct lz_imported lz_imported;

lz_imported* imported_new(const char* path);
void imported_free(lz_imported* i); /* takes NULL */

/* The function that takes such arguments builds its graph on them; an error
 * says what was given and what the file has. kwargs may be NULL. */
int imported_apply(
    const lz_imported* i,
    const lz_list* args,
    const lz_map* kwargs,
    lz_list* out);

#endif
