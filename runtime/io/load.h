/* The lazy load: a node whose value is read from its source when evaluated. */
#ifndef IO_LOAD_H
#define IO_LOAD_H

#include "core/op.h"
#include "io/source.h"

/* Row-major data of the shape at `offset`; `swap`: of the other byte order.
 * Retains the source. The result belongs to the open scope. */
lz_array* op_load(
    lz_source* source,
    uint64_t offset,
    bool swap,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_stream* s);

/* The same, of native byte order; it fails when evaluated if the bytes have
 * another checksum (io/checksum.h). */
lz_array* op_load_checked(
    lz_source* source,
    uint64_t offset,
    uint64_t checksum,
    lz_dtype dtype,
    int ndim,
    const int32_t* shape,
    lz_stream* s);

extern const lz_op op_load_desc;

#endif
