/* oneDNN's primitives, kept by shape: making one takes up to some
 * milliseconds (code is generated), running a small one microseconds. Private
 * to the files of onednn. */
#ifndef CPU_ONEDNN_ENTRY_H
#define CPU_ONEDNN_ENTRY_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

#define ONEDNN_KEY 30

/* What tells primitives apart; unused numbers are 0. */
typedef struct onednn_key {
  int64_t v[ONEDNN_KEY];
} onednn_key;

typedef struct onednn_entry {
  onednn_key key;
  int refs; /* guarded by the cache, whose own reference counts */
  uint64_t used;
  dnnl_primitive_t primitive;
  dnnl_memory_desc_t src, weights, dst, pad;
  dnnl_primitive_t reorder; /* of the weights as they are given, or NULL */
  dnnl_memory_desc_t given;
} onednn_entry;

/* Called with OpenMP set to one thread on this thread; its return is for
 * onednn_leave. */
int onednn_enter(void);
void onednn_leave(int threads);

/* NULL: there is no oneDNN to be had. */
dnnl_engine_t onednn_engine_get(void);

/* Fills in an entry that has its key and nothing else. Nonzero: no such. */
typedef int (*onednn_make)(onednn_entry* e, const void* ctx);

/* A reference for the caller, made if it is not there. NULL: no such. */
onednn_entry* onednn_entry_get(
    const onednn_key* key, onednn_make make, const void* ctx);
void onednn_entry_release(onednn_entry* e);

/* Makes e->primitive of an operation, and asks for its working memory.
 * *chosen: the weights' layout, or NULL. Nonzero: no such. */
int onednn_entry_build(
    onednn_entry* e, const_dnnl_op_desc_t op, dnnl_memory_desc_t* chosen);

/* From src and weights to dst. */
int onednn_entry_run(onednn_entry* e, void* src, void* weights, void* dst);
/* The reordering alone. */
int onednn_entry_reorder(onednn_entry* e, void* from, void* to);

#endif
