/* Arrays from nothing. */
#ifndef OPS_CREATE_H
#define OPS_CREATE_H

#include "core/array.h"

/* A READY scalar owned by the scope. */
lz_array* op_scalar(lz_dtype dtype, double value);

/* `value` cast and broadcast to the shape. */
lz_array* op_full(
    const int32_t* shape,
    int ndim,
    lz_array* value,
    lz_dtype dtype,
    lz_stream* s);
lz_array* op_zeros(
    const int32_t* shape, int ndim, lz_dtype dtype, lz_stream* s);
lz_array* op_ones(const int32_t* shape, int ndim, lz_dtype dtype, lz_stream* s);
lz_array* op_zeros_like(lz_array* a, lz_stream* s);
lz_array* op_ones_like(lz_array* a, lz_stream* s);
/* a in the shape of `like`, also where that is traced for other shapes. */
lz_array* op_broadcast_like(lz_array* a, lz_array* like, lz_stream* s);

/* start, start + step, … before stop. */
lz_array* op_arange(
    double start, double stop, double step, lz_dtype dtype, lz_stream* s);

extern const lz_op op_full_desc, op_arange_desc;

#endif
