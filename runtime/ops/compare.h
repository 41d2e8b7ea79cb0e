/* Questions about values, and their repair: made of element-wise operations. */
#ifndef OPS_COMPARE_H
#define OPS_COMPARE_H

#include "core/array.h"

/* Of any type; all false where a type has no such values. */
lz_array* op_isnan(lz_array* a, lz_stream* s);
lz_array* op_isinf(lz_array* a, lz_stream* s);
lz_array* op_isposinf(lz_array* a, lz_stream* s);
lz_array* op_isneginf(lz_array* a, lz_stream* s);
lz_array* op_isfinite(lz_array* a, lz_stream* s);

/* |a - b| <= atol + rtol * |b|, infinities only equal to themselves. */
lz_array* op_isclose(
    lz_array* a,
    lz_array* b,
    double rtol,
    double atol,
    bool equal_nan,
    lz_stream* s);
lz_array* op_allclose(
    lz_array* a,
    lz_array* b,
    double rtol,
    double atol,
    bool equal_nan,
    lz_stream* s);
/* A scalar; arrays of different shapes are not equal. */
lz_array* op_array_equal(
    lz_array* a, lz_array* b, bool equal_nan, lz_stream* s);

/* NULL: the largest and the smallest number of the type. */
lz_array* op_nan_to_num(
    lz_array* a,
    float nan,
    const float* posinf,
    const float* neginf,
    lz_stream* s);
/* Either bound may be NULL, not both. */
lz_array* op_clip(lz_array* a, lz_array* low, lz_array* high, lz_stream* s);

#endif
