/* Buffers and the caching allocator they come from.
 *
 * active  bytes of live buffers;  peak  the highest active since the last reset
 * cache   bytes kept for reuse after their buffer died
 * A request is served from the cache by a block that is at most an eighth or
 * 32 KiB larger, never more than twice its size, else from the system. When
 * active + cache would pass the memory limit, or cache passes the cache limit,
 * the cache gives back its oldest blocks. The memory limit is soft, as MLX's:
 * an allocation past it still succeeds if the system has the memory.
 *
 * Any thread may call anything here.
 */
#ifndef MEMORY_ALLOC_H
#define MEMORY_ALLOC_H

#include "core/array.h"

struct lz_buffer {
  _Atomic uint32_t refs;
  uint8_t source; /* enum lazuli_memory_source */
  uint8_t device; /* which allocator made it: 0 host, 1 GPU backend */
  uint64_t id;
  size_t size;                    /* usable bytes */
  size_t block;                   /* bytes taken from the system */
  void* data;                     /* host address, aligned to 64 bytes */
  void* handle;                   /* of the GPU backend, or NULL */
  void (*destroy)(void* payload); /* EXTERNAL: runs once when the buffer dies */
  void* payload;
};

/* At least `bytes` bytes, contents undefined. `kernel`: for whose output, 0 for
 * none. NULL with a message where the system has no memory. One reference. */
lz_buffer* buffer_new(size_t bytes, uint64_t kernel);

/* Memory of the program's; destroy(payload) runs when the last reference goes
 * (destroy may be NULL). */
lz_buffer* buffer_new_external(
    void* data, size_t bytes, void (*destroy)(void*), void* payload);

static inline lz_buffer* buffer_ref(lz_buffer* b) {
  atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
  return b;
}
void buffer_unref(lz_buffer* b); /* takes NULL */

/* Whether a request of so many bytes may be given a buffer as large as this: an
 * array of that size does not waste it. */
bool buffer_suits(const lz_buffer* b, size_t bytes);

/* How device memory is made: set once by the GPU backend. `allocate` fills
 * data, handle and block; `release` returns them to the system; `forget` lets
 * go of what the backend keeps of a host buffer (handle), whose contents change
 * or whose life ends. */
typedef struct alloc_device {
  int (*allocate)(lz_buffer* b, size_t bytes);
  void (*release)(lz_buffer* b);
  void (*forget)(lz_buffer* b);
} alloc_device;
void alloc_set_device(const alloc_device* device);
/* A buffer that the GPU backend can bind. */
lz_buffer* buffer_new_device(size_t bytes, uint64_t kernel);
/* The contents of a live buffer are about to change (donation). */
void buffer_changes(lz_buffer* b);

size_t alloc_active(void);
size_t alloc_peak(void);
size_t alloc_cached(void);
void alloc_reset_peak(void);
void alloc_clear_cache(void);
/* Each sets a limit and returns the one before. */
size_t alloc_set_memory_limit(size_t bytes);
size_t alloc_set_cache_limit(size_t bytes);
size_t alloc_set_wired_limit(size_t bytes);
size_t alloc_memory_limit(void);
/* Memory of the machine, bytes. */
size_t alloc_system_memory(void);

#endif
