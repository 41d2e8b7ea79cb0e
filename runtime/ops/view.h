/* Descriptors and parameters of the view operations. */
#ifndef OPS_VIEW_H
#define OPS_VIEW_H

#include "core/op.h"

/* Parameters are stored up to their last used axis. */
typedef struct view_axes {
  int32_t n;
  int32_t axis[LZ_MAX_DIMS];
} view_axes;

typedef struct view_slice_params {
  int32_t n;
  int32_t start[LZ_MAX_DIMS];
  int32_t stop[LZ_MAX_DIMS];
  int32_t stride[LZ_MAX_DIMS];
} view_slice_params;

typedef struct view_strided_params {
  int64_t offset; /* elements */
  int32_t n;
  int64_t strides[LZ_MAX_DIMS];
} view_strided_params;

extern const lz_op op_reshape_desc, op_flatten_desc, op_unflatten_desc,
    op_broadcast_desc, op_transpose_desc, op_expand_dims_desc, op_squeeze_desc,
    op_slice_desc, op_as_strided_desc, op_contiguous_desc, op_copy_desc;

extern const lz_op op_diagonal_desc; /* ops/diagonal.c */

/* ops/alias.c */
extern const lz_op op_view_desc, op_stop_gradient_desc, op_depends_desc;
/* Kernel: output i is input i. */
int alias_share(lz_exec* x);

/* Kernel: a row-major copy of input 0 into output 0. */
int view_copy(lz_exec* x);

#endif
