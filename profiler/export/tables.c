#include "tables.h"

#include "summary.h"
#include "text.h"

static summary_place tables_place(const model* m, uint32_t stack) {
  return summary_place_of(m, stack);
}

/* The node whose inputs hold the index: the last that begins at or before it,
 * for the lists of inputs stand in the order of nodes. */
static uint32_t tables_consumer(const model* m, uint32_t input) {
  uint32_t low = 0, high = m->n_nodes;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const model_node* n = &m->nodes[middle];
    if (n->first_input + n->n_inputs <= input)
      low = middle + 1;
    else
      high = middle;
  }
  return low < m->n_nodes ? low : MODEL_NONE;
}

static uint32_t tables_stack(const model* m, uint32_t frame) {
  uint32_t low = 0, high = m->n_stacks;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (m->stacks[middle].first + m->stacks[middle].count <= frame)
      low = middle + 1;
    else
      high = middle;
  }
  return low < m->n_stacks ? low : MODEL_NONE;
}

static void tables_cell(
    tables_sink* sink, tables_kind kind, uint64_t value, const char* text) {
  bool null = kind == TABLES_NEVER  ? value == UINT64_MAX
              : kind == TABLES_REF  ? value == MODEL_NONE
              : kind == TABLES_TEXT ? !text
                                    : false;
  if (null)
    sink->null(sink);
  else if (tables_is_text(kind))
    sink->text(sink, text);
  else
    sink->number(sink, value);
}

bool tables_is_text(tables_kind kind) {
  return kind == TABLES_STR || kind == TABLES_TEXT;
}

#define CELL_INT(value) tables_cell(sink, TABLES_INT, (value), NULL);
#define CELL_NEVER(value) tables_cell(sink, TABLES_NEVER, (value), NULL);
#define CELL_REF(value) tables_cell(sink, TABLES_REF, (value), NULL);
#define CELL_BOOL(value) tables_cell(sink, TABLES_BOOL, (value), NULL);
#define CELL_TEXT(value) tables_cell(sink, TABLES_TEXT, 0, (value));
#define CELL_STR(value) \
  tables_cell(sink, TABLES_STR, 0, model_string(m, (value)));

#define COLUMN(kind, name, expression) CELL_##kind(expression)
#define TABLE(name, text, rows, columns)               \
  static uint32_t tables_rows_##name(const model* m) { \
    return rows;                                       \
  }                                                    \
  static void tables_row_##name(                       \
      const model* m, uint32_t i, tables_sink* sink) { \
    char room[256];                                    \
    (void)room;                                        \
    columns                                            \
  }
#include "tables.def"
#undef TABLE
#undef COLUMN

#define COLUMN(kind, name, expression) {#name, TABLES_##kind},
#define TABLE(name, text, rows, columns) \
  static const tables_column tables_columns_##name[] = {columns};
#include "tables.def"
#undef TABLE
#undef COLUMN

static const tables_table tables_all[] = {
#define TABLE(name, text, rows, columns)                         \
  {#name,                                                        \
   text,                                                         \
   tables_columns_##name,                                        \
   sizeof tables_columns_##name / sizeof *tables_columns_##name, \
   tables_rows_##name,                                           \
   tables_row_##name},
#include "tables.def"
#undef TABLE
};

const tables_table* tables(uint32_t* count) {
  *count = sizeof tables_all / sizeof *tables_all;
  return tables_all;
}
