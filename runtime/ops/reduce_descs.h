/* Descriptors and parameters of reductions, softmax and log-sum-exp. */
#ifndef OPS_REDUCE_DESCS_H
#define OPS_REDUCE_DESCS_H

#include "core/op.h"
#include "cpu/reduce.h"

typedef struct reduce_params {
  uint32_t kind;
  uint32_t axes; /* bit set */
} reduce_params;

typedef struct arg_params {
  int32_t greatest;
  int32_t axis; /* -1: flattened */
} arg_params;

typedef struct softmax_params {
  int32_t axis;
  int32_t precise;
} softmax_params;

typedef struct variance_params {
  uint32_t axes; /* bit set */
  int32_t ddof;
} variance_params;

extern const lz_op op_variance_desc;
extern const lz_op op_reduce_descs[REDUCE_KINDS];
extern const lz_op op_arg_desc, op_softmax_desc, op_logsumexp_desc,
    op_count_desc;

#endif
