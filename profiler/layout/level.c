#include "level.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool level_add(level* l, float x, float y) {
  if (l->n_points == l->points_room) {
    uint32_t more = l->points_room ? l->points_room * 2 : 64;
    layout_point* points = realloc(l->points, more * sizeof *points);
    if (!points) return false;
    l->points = points;
    l->points_room = more;
  }
  l->points[l->n_points++] = (layout_point){x, y};
  return true;
}

/* Tops and bottoms of the layers. */
typedef struct level_bands {
  float* top;
  float* bottom;
} level_bands;

static int level_bands_make(const level_work* w, level_bands* bands) {
  const level* l = w->l;
  bands->top = calloc((size_t)w->n_ranks + 1, sizeof *bands->top);
  bands->bottom = calloc((size_t)w->n_ranks + 1, sizeof *bands->bottom);
  bool* border = malloc(((size_t)w->n_ranks + 1) * sizeof *border);
  if (!bands->top || !bands->bottom || !border) {
    free(border);
    return 1;
  }
  for (uint32_t r = 0; r < w->n_ranks; r++) border[r] = true;
  for (uint32_t i = 0; i < l->n_items; i++) {
    uint32_t r = w->rank[i];
    border[r] &= l->items[i].kind != LEVEL_BOX;
    if (l->items[i].height > bands->bottom[r])
      bands->bottom[r] = l->items[i].height;
  }
  float y = 0;
  for (uint32_t r = 0; r < w->n_ranks; r++) {
    /* Next to the border the inner gap is enough. */
    if (r) y += l->layer_gap * (border[r] || border[r - 1] ? 0.5f : 1);
    bands->top[r] = y;
    y += bands->bottom[r];
    bands->bottom[r] = y;
  }
  free(border);
  return 0;
}

static int level_way(level_work* w, const level_bands* b, uint32_t edge) {
  level* l = w->l;
  level_edge* e = &l->edges[edge];
  const level_item *from = &l->items[e->from], *to = &l->items[e->to];
  uint32_t r = w->rank[e->from], end = w->rank[e->to];
  bool down = r <= end;
  float x = from->x + e->from_x, to_x = to->x + e->to_x;
  float y = from->y + (down ? from->height : -from->height) / 2;
  float to_y = to->y + (down ? -to->height : to->height) / 2;
  e->first_point = l->n_points;
  if (!level_add(l, x, y)) return 1;
  float out = down ? b->bottom[r] : b->top[r];
  float in = down ? b->top[end] : b->bottom[end];
  if (r != end && fabsf(out - y) > 1 && !level_add(l, x, out)) return 1;
  if (w->chain_first[edge] != UINT32_MAX) {
    uint32_t n = down ? end - r - 1 : r - end - 1;
    for (uint32_t k = 0; k < n; k++) {
      uint32_t v = w->chain_first[edge] + (down ? k : n - 1 - k);
      float top = b->top[w->rank[v]], bottom = b->bottom[w->rank[v]];
      if (!level_add(l, w->x[v], down ? top : bottom)) return 1;
      if (bottom > top && !level_add(l, w->x[v], down ? bottom : top)) return 1;
    }
  }
  if (r != end && fabsf(in - to_y) > 1 && !level_add(l, to_x, in)) return 1;
  if (!level_add(l, to_x, to_y)) return 1;
  e->n_points = l->n_points - e->first_point;
  return 0;
}

int level_route(level_work* w) {
  level* l = w->l;
  level_bands bands = {0};
  int failed = level_bands_make(w, &bands);
  float left = INFINITY, right = -INFINITY;
  for (uint32_t v = 0; v < w->n && !failed; v++) {
    left = fminf(left, w->x[v] - w->half[v]);
    right = fmaxf(right, w->x[v] + w->half[v]);
  }
  if (!w->n) left = right = 0;
  for (uint32_t v = 0; v < w->n && !failed; v++) w->x[v] -= left;
  for (uint32_t i = 0; i < l->n_items && !failed; i++) {
    level_item* item = &l->items[i];
    item->x = w->x[i];
    item->y = (bands.top[w->rank[i]] + bands.bottom[w->rank[i]]) / 2;
  }
  for (uint32_t i = 0; i < l->n_edges && !failed; i++)
    if (!l->edges[i].order) failed = level_way(w, &bands, i);
  l->width = right - left;
  l->height = w->n_ranks && !failed ? bands.bottom[w->n_ranks - 1] : 0;
  free(bands.top);
  free(bands.bottom);
  return failed;
}

static void level_work_free(level_work* w) {
  free(w->rank);
  free(w->place);
  free(w->rank_first);
  free(w->order);
  free(w->x);
  free(w->half);
  free(w->up_first);
  free(w->up);
  free(w->down_first);
  free(w->down);
  free(w->up_offset);
  free(w->up_own);
  free(w->down_offset);
  free(w->down_own);
  free(w->chain_first);
  free(w->turned);
}

static int level_room(level_work* w) {
  size_t n = (size_t)w->n + 2;
  w->place = calloc(n, sizeof *w->place);
  w->order = calloc(n, sizeof *w->order);
  w->x = calloc(n, sizeof *w->x);
  w->half = calloc(n, sizeof *w->half);
  w->rank_first = calloc((size_t)w->n_ranks + 2, sizeof *w->rank_first);
  if (!w->place || !w->order || !w->x || !w->half || !w->rank_first) return 1;
  for (uint32_t v = 0; v < w->n; v++)
    w->half[v] = v < w->l->n_items ? w->l->items[v].width / 2 : 1;
  return 0;
}

int level_run(level* l) {
  level_work w = {.l = l};
  w.rank = calloc((size_t)l->n_items + 1, sizeof *w.rank);
  w.chain_first = malloc(((size_t)l->n_edges + 1) * sizeof *w.chain_first);
  w.turned = calloc((size_t)l->n_edges + 1, sizeof *w.turned);
  int failed = !w.rank || !w.chain_first || !w.turned;
  if (!failed) failed = level_rank(&w);
  if (!failed) failed = level_chain(&w);
  if (!failed) failed = level_room(&w);
  if (!failed) failed = level_order(&w);
  if (!failed) failed = level_place(&w);
  if (!failed) failed = level_route(&w);
  level_work_free(&w);
  if (failed) {
    free(l->points);
    l->points = NULL;
  }
  return failed;
}
