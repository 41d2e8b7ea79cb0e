/* Runs of few bytes, many of them: what a call of memcpy each would cost more
 * than to move. Strides count bytes. */
#ifndef CPU_COPY_UNITS_H
#define CPU_COPY_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* n units of `bytes`, those of `to` at to_row apart, those of `from` at row. */
void copy_units(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t n,
    size_t bytes);

/* n units of `bytes`, each full of one element of `size` bytes: 1, 2, 4, 8. */
void copy_fills(
    char* to,
    int64_t to_row,
    const char* from,
    int64_t row,
    int64_t n,
    size_t bytes,
    size_t size);

#endif
