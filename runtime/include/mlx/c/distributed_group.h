/* Groups of processes. No communication backend is built in: a group has one
 * member, the calling process. */
#ifndef MLX_C_DISTRIBUTED_GROUP_H
#define MLX_C_DISTRIBUTED_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lazuli/api.h"
#include "mlx/c/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_distributed_group_ {
  void* ctx;
} mlx_distributed_group;

LAZULI_API mlx_distributed_group mlx_distributed_group_new(void);

LAZULI_API int mlx_distributed_group_free(mlx_distributed_group group);

/* *res becomes the group of one. bk is NULL or one of any, mpi, ring, nccl,
 * jaccl; strict asks for a real backend and so fails. */
LAZULI_API int mlx_distributed_init(
    mlx_distributed_group* res, bool strict, const char* bk /* may be null */);

/* 0. */
LAZULI_API int mlx_distributed_group_rank(mlx_distributed_group group);

/* 1; 0 and an error where ctx is NULL. */
LAZULI_API int mlx_distributed_group_size(mlx_distributed_group group);

/* Always an error: one member cannot be split. */
LAZULI_API int mlx_distributed_group_split(
    mlx_distributed_group* res,
    mlx_distributed_group group,
    int color,
    int key);

/* Always false. */
LAZULI_API bool mlx_distributed_is_available(const char* bk /* may be null */);

#ifdef __cplusplus
}
#endif

#endif
