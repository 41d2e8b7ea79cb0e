/* Small objects of fixed size, recycled through per-thread lists. Objects may
 * be freed by another thread than the one that took them: lists that grow long
 * hand batches to a shared pool. Memory is never given back to the system. */
#ifndef MEMORY_SLAB_H
#define MEMORY_SLAB_H

#include <stddef.h>

typedef enum slab_kind {
  SLAB_ARRAY,
  SLAB_NODE,
  SLAB_BUFFER,
  SLAB_HANDLE,
  SLAB_KINDS
} slab_kind;

/* Contents undefined; NULL where the system has no memory. `size` must be the
 * same in every call for a kind. */
void* slab_get(slab_kind kind, size_t size);
void slab_put(slab_kind kind, void* object, size_t size);

#endif
