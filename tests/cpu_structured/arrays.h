/* Arrays of random shape, layout and content for the tests of CPU kernels. */
#ifndef TESTS_ARRAYS_H
#define TESTS_ARRAYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cpu/view.h"

typedef struct array {
  lz_view view;
  int32_t shape[LZ_MAX_DIMS];
  int64_t strides[LZ_MAX_DIMS];
  void* memory;
  size_t bytes;
} array;

typedef struct number {
  double re, im;
} number;

enum layout {
  LAYOUT_ROW,       /* row-contiguous */
  LAYOUT_PERMUTED,  /* axes stored in another order */
  LAYOUT_SLICED,    /* holes, negative strides, an offset */
  LAYOUT_BROADCAST, /* as sliced, and some strides are 0: inputs only */
  LAYOUTS
};

/* Deterministic; test programs seed it once a case and print the seed. */
void arrays_seed(uint64_t seed);
uint64_t arrays_random(void);
int arrays_below(int n); /* 0 … n-1 */
double arrays_uniform(double low, double high);

/* Memory of the array is filled with a pattern; nothing around it may be
 * written (array_free checks). */
array* array_new(
    lz_dtype dtype, int ndim, const int32_t* shape, enum layout layout);
/* A random shape of `ndim` axes with at most `limit` elements; now and then
 * extents of 1 and, if zeros, 0. */
void array_shape(int ndim, int64_t limit, bool zeros, int32_t* shape);
/* Random values in [low, high] rounded to the type; for unsigned types
 * negative values are mirrored. */
void array_fill(array* a, double low, double high);
/* Now and then NaN, an infinity or -0 in inexact types. */
void array_spice(array* a, int one_in);
void array_free(array* a);

/* The element at a place of the row-major order of the view's shape. */
void* array_at(const lz_view* v, int64_t place);
number array_get(const lz_view* v, int64_t place);
void array_set(const lz_view* v, int64_t place, number value);
/* Integers without rounding through double. */
int64_t array_int(const lz_view* v, int64_t place);

/* Index tuple of a place and back. */
void array_index(const lz_view* v, int64_t place, int32_t* index);
int64_t array_place(const lz_view* v, const int32_t* index);

/* Fails the test when got is not want: both NaN, or the same infinity, or
 * within abs + rel·|want|. */
void array_assert_close(
    const char* what,
    int64_t place,
    number got,
    number want,
    double rel,
    double abs);

/* The value as the type holds it: rounded, out of range infinite. */
number array_round(lz_dtype d, number value);

/* Unit in the last place of a type near 1, as a relative error. */
double array_eps(lz_dtype d);

#endif
