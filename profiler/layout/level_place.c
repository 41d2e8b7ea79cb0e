/* Where the vertices of a layer stand: each as near as it can to the middle of
 * what it is linked to, in the order given, with the gaps kept. The best such
 * places (least squares) are found layer by layer by joining neighbours that
 * press on one another into blocks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"

typedef struct place_block {
  double sum; /* weight × wanted place of its first vertex */
  double weight;
  uint32_t first; /* index in the layer */
} place_block;

typedef struct place_room {
  double* offset; /* of a vertex from the first of its layer, packed tightly */
  place_block* blocks;
} place_room;

/* Chains of items stay straight first; then edges that pass layers; where one
 * leaves an item it may bend. */
static double place_weight(const level_work* w, uint32_t a, uint32_t b) {
  uint32_t n = w->l->n_items;
  return a >= n && b >= n ? 4 : a >= n || b >= n ? 1 : 16;
}

static void place_wish(
    const level_work* w,
    uint32_t v,
    bool up,
    bool down,
    double* wanted,
    double* weight) {
  double sum = 0, all = 0;
  for (uint32_t k = w->up_first[v]; up && k < w->up_first[v + 1]; k++) {
    double by = place_weight(w, v, w->up[k]);
    sum += by * (w->x[w->up[k]] + w->up_offset[k] - w->up_own[k]);
    all += by;
  }
  for (uint32_t k = w->down_first[v]; down && k < w->down_first[v + 1]; k++) {
    double by = place_weight(w, v, w->down[k]);
    sum += by * (w->x[w->down[k]] + w->down_offset[k] - w->down_own[k]);
    all += by;
  }
  *wanted = all > 0 ? sum / all : w->x[v];
  *weight = all > 0 ? all : 0.01;
}

static void place_layer(
    level_work* w, uint32_t r, bool up, bool down, place_room* room) {
  uint32_t first = w->rank_first[r], n = w->rank_first[r + 1] - first;
  uint32_t items = w->l->n_items;
  uint32_t n_blocks = 0;
  double at = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t v = w->order[first + i];
    if (i) {
      uint32_t before = w->order[first + i - 1];
      double gap = w->l->node_gap * (v < items && before < items ? 1 : 0.5);
      at += w->half[before] + w->half[v] + gap;
    }
    room->offset[i] = at;
    double wanted, weight;
    place_wish(w, v, up, down, &wanted, &weight);
    place_block b = {weight * (wanted - at), weight, i};
    while (n_blocks && room->blocks[n_blocks - 1].sum * b.weight >=
                           b.sum * room->blocks[n_blocks - 1].weight) {
      n_blocks--;
      b.sum += room->blocks[n_blocks].sum;
      b.weight += room->blocks[n_blocks].weight;
      b.first = room->blocks[n_blocks].first;
    }
    room->blocks[n_blocks++] = b;
  }
  for (uint32_t k = 0; k < n_blocks; k++) {
    uint32_t until = k + 1 < n_blocks ? room->blocks[k + 1].first : n;
    double x = room->blocks[k].sum / room->blocks[k].weight;
    for (uint32_t i = room->blocks[k].first; i < until; i++)
      w->x[w->order[first + i]] = (float)(x + room->offset[i]);
  }
}

int level_place(level_work* w) {
  uint32_t widest = 0;
  for (uint32_t r = 0; r < w->n_ranks; r++) {
    uint32_t n = w->rank_first[r + 1] - w->rank_first[r];
    widest = n > widest ? n : widest;
  }
  size_t some = (size_t)widest + 1;
  place_room room = {
      .offset = malloc(some * sizeof *room.offset),
      .blocks = malloc(some * sizeof *room.blocks)};
  int failed = !room.offset || !room.blocks;
  for (uint32_t v = 0; v < w->n && !failed; v++) w->x[v] = 0;
  uint32_t sweeps = w->n > 20000 ? 6 : 16;
  for (uint32_t s = 0; s < sweeps && !failed; s++) {
    /* At first one side leads; towards the end both pull. */
    bool both = s >= sweeps / 2;
    if (s & 1)
      for (uint32_t r = w->n_ranks; r-- > 0;)
        place_layer(w, r, both, true, &room);
    else
      for (uint32_t r = 0; r < w->n_ranks; r++)
        place_layer(w, r, true, both, &room);
    if (w->l->stop && w->l->stop(w->l->user)) failed = 2;
  }
  free(room.offset);
  free(room.blocks);
  return failed;
}
