/* One level of a layout: a layered graph of boxes that know no inside. For the
 * files of this room alone. */
#ifndef LEVEL_H
#define LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

/* Where edges leave the cluster of the level: a point on its border. */
typedef enum level_kind { LEVEL_BOX, LEVEL_TOP, LEVEL_BOTTOM } level_kind;

typedef struct level_item {
  float width;
  float height;
  float x; /* out: the middle */
  float y;
  uint8_t kind;
} level_item;

typedef struct level_edge {
  uint32_t from;
  uint32_t to;
  float from_x; /* where it meets the items, from their middle */
  float to_x;
  bool order;           /* keeps `to` below `from`, and is not drawn */
  uint32_t first_point; /* out; in level.points */
  uint32_t n_points;
} level_edge;

typedef struct level {
  level_item* items;
  level_edge* edges;
  uint32_t n_items;
  uint32_t n_edges;
  float node_gap;
  float layer_gap;
  uint32_t sweeps;
  int (*stop)(void* user); /* or NULL; non-zero cancels */
  void* user;
  /* out */
  float width;
  float height;
  layout_point* points; /* the caller's to free */
  uint32_t n_points;
  uint32_t points_room;
} level;

/* As layout_run(). */
int level_run(level* l);

/* ---- between the steps -------------------------------------------------- */

/* Items, and the points where edges pass a layer: vertices 0 … n_items-1 are
 * the items. A link joins vertices of neighbouring layers. */
typedef struct level_work {
  level* l;
  uint32_t n; /* vertices */
  uint32_t n_ranks;
  uint32_t* rank;       /* of a vertex */
  uint32_t* place;      /* of a vertex within its rank, from 0 */
  uint32_t* rank_first; /* into order; n_ranks + 1 of them */
  uint32_t* order;      /* vertices by rank and place */
  float* x;             /* of a vertex */
  float* half;          /* half its width */
  /* Links, both ways: targets[first[v] … first[v+1]-1]. */
  uint32_t* up_first;
  uint32_t* up;
  uint32_t* down_first;
  uint32_t* down;
  float*
      up_offset; /* beside up: where the link meets the upper, lower vertex */
  float* up_own;
  float* down_offset;
  float* down_own;
  uint32_t* chain_first; /* of an edge: its first passing point, or NONE */
  bool* turned;          /* of an edge: drawn against its direction */
} level_work;

/* Each: 0, 1 no memory, 2 cancelled. */
int level_rank(level_work* w);  /* ranks; cycles broken */
int level_chain(level_work* w); /* passing points and links */
int level_order(level_work* w); /* places with few crossings */
int level_place(level_work* w); /* x */
int level_route(level_work* w); /* y, and the ways of edges */

#endif
