/* The tables of tables.def at run time: names, and rows cell by cell. */
#ifndef TABLES_H
#define TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

typedef enum tables_kind {
  TABLES_INT,
  TABLES_NEVER,
  TABLES_REF,
  TABLES_STR,
  TABLES_TEXT,
  TABLES_BOOL
} tables_kind;

typedef struct tables_column {
  const char* name;
  tables_kind kind;
} tables_column;

/* Takes the cells of a row, in the order of columns. */
typedef struct tables_sink {
  void (*number)(struct tables_sink* sink, uint64_t value);
  void (*text)(struct tables_sink* sink, const char* value);
  void (*null)(struct tables_sink* sink);
} tables_sink;

typedef struct tables_table {
  const char* name;
  const char* text;
  const tables_column* columns;
  uint32_t n_columns;
  uint32_t (*rows)(const model* m);
  void (*row)(const model* m, uint32_t i, tables_sink* sink);
} tables_table;

const tables_table* tables(uint32_t* count);

/* Whether a kind is text, or a number. */
bool tables_is_text(tables_kind kind);

#endif
