/* The part of a graph between the arguments of a function and its results, as
 * the transformations walk it. */
#ifndef TRANSFORM_GRAPH_H
#define TRANSFORM_GRAPH_H

#include "core/array.h"
#include "core/list.h"

/* Values by array. Owns a reference on both sides; open addressing. */
typedef struct lz_table {
  struct table_entry {
    lz_array* key;
    lz_array* value;
    int64_t number; /* whatever the walk needs beside */
  } * entries;
  size_t count, capacity;
} lz_table;

/* The entry of a key, NULL without one. */
struct table_entry* table_find(const lz_table* t, const lz_array* key);
/* The entry, made if it is not there (value NULL); NULL: no memory. */
struct table_entry* table_at(lz_table* t, lz_array* key);
/* Replaces the value, retaining it. Non-zero: no memory. */
int table_set(lz_table* t, lz_array* key, lz_array* value, int64_t number);
void table_clear(lz_table* t);

/* Nodes on ways from `sources` to `targets`, producers first; each is held by a
 * reference. Walks without recursion; stops at the sources. */
typedef struct lz_trail {
  lz_node** nodes;
  size_t count, capacity;
} lz_trail;

/* Fills the trail; `depends` gets every array that depends on a source, the
 * sources included. Non-zero with a message. */
int trail_make(
    lz_trail* trail,
    lz_table* depends,
    lz_array* const* sources,
    size_t n_sources,
    lz_array* const* targets,
    size_t n_targets);
void trail_clear(lz_trail* trail);

/* A new array for each input that stands for it while a function is traced: a
 * view of it, marked as tracer. Appends to `out`. */
int tracers_of(const lz_list* inputs, lz_list* out, bool with_values);

/* Where what derives from an array runs: where its own node does, else on the
 * default stream. NULL with a message. */
lz_stream* stream_of(const lz_array* a);

/* The node's operation on other inputs, its outputs scope-owned. */
int node_rebuild(const lz_node* n, lz_array* const* inputs, lz_array** outputs);
/* The same on inputs whose shapes, but not types and ranks, may be others: what
 * comes out is asked of the operation's rule. Non-zero with a message where it
 * cannot tell, or the inputs do not fit. */
int node_rebuild_open(
    const lz_node* n, lz_array* const* inputs, lz_array** outputs);

#endif
