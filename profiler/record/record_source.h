/* What an expression of a Python source reads an array for. */
#ifndef RECORD_SOURCE_H
#define RECORD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct record_span {
  int line, column, end_line, end_column; /* lines from 1, columns from 0 */
} record_span;

/* Reads the span's text from the file and judges it; a whole line where
 * `columns` are not known (Python 3.10). `otherwise` where the file cannot be
 * read or says nothing. */
uint8_t record_source_judge(
    const char* path, const record_span* span, bool columns, uint8_t otherwise);

#endif
