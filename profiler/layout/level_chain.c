/* Edges that pass layers get a vertex in each, so that they find a way between
 * what stands there. */
#include <stdlib.h>
#include <string.h>

#include "level.h"

static uint32_t chain_span(const level_work* w, uint32_t edge) {
  const level_edge* e = &w->l->edges[edge];
  uint32_t a = w->rank[e->from], b = w->rank[e->to];
  return a > b ? a - b : b - a;
}

/* The longest span that still gets vertices: with it there are not many more
 * of them than items, so that the work stays linear. Longer edges go straight
 * beneath everything. */
static uint32_t chain_limit(const level_work* w) {
  const level* l = w->l;
  uint64_t room = 4 * (uint64_t)(l->n_items + l->n_edges) + 50000;
  uint64_t* spans = calloc((size_t)w->n_ranks + 1, sizeof *spans);
  if (!spans) return 1;
  for (uint32_t i = 0; i < l->n_edges; i++)
    if (!l->edges[i].order) spans[chain_span(w, i)]++;
  uint32_t limit = 1;
  uint64_t used = 0;
  for (uint32_t s = 2; s < w->n_ranks; s++) {
    used += spans[s] * (s - 1);
    if (used > room) break;
    limit = s;
  }
  free(spans);
  return limit;
}

/* Upper and lower ends of an edge, and where it meets them. */
typedef struct chain_ends {
  uint32_t upper;
  uint32_t lower;
  float upper_x;
  float lower_x;
} chain_ends;

static chain_ends chain_ends_of(const level_work* w, uint32_t edge) {
  const level_edge* e = &w->l->edges[edge];
  if (w->rank[e->from] <= w->rank[e->to])
    return (chain_ends){e->from, e->to, e->from_x, e->to_x};
  return (chain_ends){e->to, e->from, e->to_x, e->from_x};
}

typedef struct chain_link {
  uint32_t upper;
  uint32_t lower;
  float upper_x;
  float lower_x;
} chain_link;

static int chain_lists(level_work* w, const chain_link* links, uint32_t n) {
  size_t vertices = (size_t)w->n + 2, some = (size_t)n + 1;
  w->up_first = calloc(vertices, sizeof *w->up_first);
  w->down_first = calloc(vertices, sizeof *w->down_first);
  w->up = malloc(some * sizeof *w->up);
  w->down = malloc(some * sizeof *w->down);
  w->up_offset = malloc(some * sizeof *w->up_offset);
  w->up_own = malloc(some * sizeof *w->up_own);
  w->down_offset = malloc(some * sizeof *w->down_offset);
  w->down_own = malloc(some * sizeof *w->down_own);
  if (!w->up_first || !w->down_first || !w->up || !w->down || !w->up_offset ||
      !w->up_own || !w->down_offset || !w->down_own)
    return 1;
  for (uint32_t i = 0; i < n; i++) {
    w->up_first[links[i].lower + 2]++;
    w->down_first[links[i].upper + 2]++;
  }
  for (uint32_t v = 0; v < w->n; v++) {
    w->up_first[v + 1] += w->up_first[v];
    w->down_first[v + 1] += w->down_first[v];
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t a = w->down_first[links[i].upper + 1]++;
    w->down[a] = links[i].lower;
    w->down_own[a] = links[i].upper_x;
    w->down_offset[a] = links[i].lower_x;
    uint32_t b = w->up_first[links[i].lower + 1]++;
    w->up[b] = links[i].upper;
    w->up_own[b] = links[i].lower_x;
    w->up_offset[b] = links[i].upper_x;
  }
  return 0;
}

int level_chain(level_work* w) {
  level* l = w->l;
  uint32_t limit = chain_limit(w);
  uint64_t passing = 0, n_links = 0;
  for (uint32_t i = 0; i < l->n_edges; i++) {
    uint32_t span = chain_span(w, i);
    w->chain_first[i] = UINT32_MAX;
    if (l->edges[i].order || !span || (span > 1 && span > limit)) continue;
    n_links += span;
    if (span > 1) {
      w->chain_first[i] = (uint32_t)(l->n_items + passing);
      passing += span - 1;
    }
  }
  if (l->n_items + passing >= UINT32_MAX || n_links >= UINT32_MAX) return 1;
  w->n = (uint32_t)(l->n_items + passing);
  uint32_t* rank = realloc(w->rank, ((size_t)w->n + 1) * sizeof *rank);
  chain_link* links = malloc((size_t)(n_links + 1) * sizeof *links);
  if (rank) w->rank = rank;
  if (!rank || !links) {
    free(links);
    return 1;
  }
  uint32_t n = 0;
  for (uint32_t i = 0; i < l->n_edges; i++) {
    uint32_t span = chain_span(w, i);
    if (l->edges[i].order || !span || (span > 1 && span > limit)) continue;
    chain_ends ends = chain_ends_of(w, i);
    uint32_t before = ends.upper;
    float before_x = ends.upper_x;
    for (uint32_t s = 1; s < span; s++) {
      uint32_t v = w->chain_first[i] + s - 1;
      w->rank[v] = w->rank[ends.upper] + s;
      links[n++] = (chain_link){before, v, before_x, 0};
      before = v;
      before_x = 0;
    }
    links[n++] = (chain_link){before, ends.lower, before_x, ends.lower_x};
  }
  int failed = chain_lists(w, links, n);
  free(links);
  return failed;
}
