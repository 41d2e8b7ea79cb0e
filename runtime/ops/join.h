/* Joining arrays along an axis. */
#ifndef OPS_JOIN_H
#define OPS_JOIN_H

#include "core/array.h"

lz_array* op_concatenate(
    lz_array* const* arrays, size_t n, int axis, lz_stream* s);
/* Each array as one row. */
lz_array* op_concatenate_rows(lz_array* const* arrays, size_t n, lz_stream* s);
lz_array* op_stack(lz_array* const* arrays, size_t n, int axis, lz_stream* s);

extern const lz_op op_concatenate_desc;

#endif
