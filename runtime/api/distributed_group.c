/* Groups of processes: no backend is built in, so a group has one member. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

mlx_distributed_group mlx_distributed_group_new(void) {
  return (mlx_distributed_group){0};
}

int mlx_distributed_group_free(mlx_distributed_group group) {
  free(group.ctx);
  return 0;
}

static bool group_backend_known(const char* bk) {
  static const char* const names[] = {"any", "mpi", "ring", "nccl", "jaccl"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!bk || strcmp(bk, names[i]) == 0) return true;
  return false;
}

int mlx_distributed_init(
    mlx_distributed_group* res, bool strict, const char* bk) {
  if (!res)
    return API_RAISE("[distributed_init] argument res: the pointer is NULL");
  if (!group_backend_known(bk))
    return API_RAISE(
        "[distributed_init] argument bk: \"%s\" is none of any, mpi, ring, "
        "nccl, jaccl",
        bk);
  if (strict)
    return API_RAISE(
        "[distributed_init] backend \"%s\" could not be initialised: none is "
        "built in",
        bk ? bk : "any");
  if (!res->ctx && !(res->ctx = malloc(1))) {
    error_memory();
    return API_REPORT();
  }
  return 0;
}

static int group_check(mlx_distributed_group group, const char* where) {
  if (group.ctx) return 0;
  return API_RAISE("[%s] argument group: the group is empty", where);
}

int mlx_distributed_group_rank(mlx_distributed_group group) {
  group_check(group, "distributed_group_rank");
  return 0;
}

int mlx_distributed_group_size(mlx_distributed_group group) {
  return group_check(group, "distributed_group_size") ? 0 : 1;
}

int mlx_distributed_group_split(
    mlx_distributed_group* res,
    mlx_distributed_group group,
    int color,
    int key) {
  (void)res;
  if (group_check(group, "distributed_group_split")) return 1;
  return API_RAISE(
      "[distributed_group_split] a group of one cannot be split (color %d, "
      "key %d)",
      color,
      key);
}

bool mlx_distributed_is_available(const char* bk) {
  (void)bk;
  return false;
}
