/* The allocator's counters and limits, as the interface gives them. */
#include "memory/alloc.h"

#include "api/api.h"

static int memory_give(size_t* res, size_t value, const char* where) {
  if (!res) return API_RAISE("[%s] argument res: the pointer is NULL", where);
  *res = value;
  return 0;
}

static int memory_limit(
    size_t* res, size_t (*set)(size_t), size_t limit, const char* where) {
  if (memory_give(res, 0, where)) return 1;
  *res = set(limit);
  return 0;
}

int mlx_clear_cache(void) {
  alloc_clear_cache();
  return 0;
}

int mlx_get_active_memory(size_t* res) {
  return memory_give(res, alloc_active(), "get_active_memory");
}

int mlx_get_cache_memory(size_t* res) {
  return memory_give(res, alloc_cached(), "get_cache_memory");
}

int mlx_get_memory_limit(size_t* res) {
  return memory_give(res, alloc_memory_limit(), "get_memory_limit");
}

int mlx_get_peak_memory(size_t* res) {
  return memory_give(res, alloc_peak(), "get_peak_memory");
}

int mlx_reset_peak_memory(void) {
  alloc_reset_peak();
  return 0;
}

int mlx_set_cache_limit(size_t* res, size_t limit) {
  return memory_limit(res, alloc_set_cache_limit, limit, "set_cache_limit");
}

int mlx_set_memory_limit(size_t* res, size_t limit) {
  return memory_limit(res, alloc_set_memory_limit, limit, "set_memory_limit");
}

int mlx_set_wired_limit(size_t* res, size_t limit) {
  return memory_limit(res, alloc_set_wired_limit, limit, "set_wired_limit");
}
