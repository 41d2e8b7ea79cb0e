/* The order of the vertices of each layer, with few crossings: sweeps that sort
 * each layer by the middle of what its vertices are linked to. */
#include <stdlib.h>
#include <string.h>

#include "level.h"

/* Depth first from above, so that what belongs together begins together. */
static int order_begin(level_work* w) {
  uint32_t* fill = malloc(((size_t)w->n_ranks + 1) * sizeof *fill);
  uint32_t* stack = malloc(((size_t)w->n + 1) * sizeof *stack);
  uint32_t* next = malloc(((size_t)w->n + 1) * sizeof *next);
  bool* seen = calloc((size_t)w->n + 1, sizeof *seen);
  int failed = !fill || !stack || !next || !seen;
  if (!failed) {
    memset(w->rank_first, 0, ((size_t)w->n_ranks + 2) * sizeof *w->rank_first);
    for (uint32_t v = 0; v < w->n; v++) w->rank_first[w->rank[v] + 1]++;
    for (uint32_t r = 0; r < w->n_ranks; r++)
      w->rank_first[r + 1] += w->rank_first[r];
    memcpy(fill, w->rank_first, w->n_ranks * sizeof *fill);
  }
  for (uint32_t root = 0; root < w->n && !failed; root++) {
    if (seen[root] || w->up_first[root] != w->up_first[root + 1]) continue;
    uint32_t depth = 0;
    stack[depth++] = root;
    seen[root] = true;
    w->order[fill[w->rank[root]]++] = root;
    next[root] = w->down_first[root];
    while (depth) {
      uint32_t at = stack[depth - 1];
      if (next[at] == w->down_first[at + 1]) {
        depth--;
        continue;
      }
      uint32_t to = w->down[next[at]++];
      if (seen[to]) continue;
      seen[to] = true;
      w->order[fill[w->rank[to]]++] = to;
      next[to] = w->down_first[to];
      stack[depth++] = to;
    }
  }
  for (uint32_t i = 0; i < w->n && !failed; i++)
    w->place[w->order[i]] = i - w->rank_first[w->rank[w->order[i]]];
  free(fill);
  free(stack);
  free(next);
  free(seen);
  return failed;
}

/* Crossings between a layer and the one below, counted with a tree of sums:
 * in time E log V. */
static uint64_t order_crossings(
    const level_work* w, uint32_t r, uint32_t* tree) {
  uint32_t n = w->rank_first[r + 2] - w->rank_first[r + 1];
  uint64_t crossings = 0;
  uint32_t met = 0;
  memset(tree, 0, ((size_t)n + 1) * sizeof *tree);
  for (uint32_t i = w->rank_first[r]; i < w->rank_first[r + 1]; i++) {
    uint32_t v = w->order[i];
    /* First all links of v count, then they are met: they do not cross each
     * other. */
    for (uint32_t k = w->down_first[v]; k < w->down_first[v + 1]; k++) {
      uint32_t sum = 0;
      for (uint32_t j = w->place[w->down[k]] + 1; j; j &= j - 1) sum += tree[j];
      crossings += met - sum;
    }
    for (uint32_t k = w->down_first[v]; k < w->down_first[v + 1]; k++, met++)
      for (uint32_t j = w->place[w->down[k]] + 1; j <= n; j += j & -j)
        tree[j]++;
  }
  return crossings;
}

static uint64_t order_all_crossings(const level_work* w, uint32_t* tree) {
  uint64_t all = 0;
  for (uint32_t r = 0; r + 1 < w->n_ranks; r++)
    all += order_crossings(w, r, tree);
  return all;
}

typedef struct order_key {
  float middle;
  uint32_t vertex;
  uint32_t place; /* equal middles keep their order */
} order_key;

static int order_compare(const void* a, const void* b) {
  const order_key *x = a, *y = b;
  if (x->middle != y->middle) return x->middle < y->middle ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

/* Sorts one layer by where its links on one side are. A vertex without any
 * keeps its place among the others. */
static void order_layer(level_work* w, uint32_t r, bool down, order_key* keys) {
  uint32_t first = w->rank_first[r], n = w->rank_first[r + 1] - first;
  const uint32_t* lists = down ? w->up_first : w->down_first;
  const uint32_t* targets = down ? w->up : w->down;
  const float* offsets = down ? w->up_offset : w->down_offset;
  float last = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t v = w->order[first + i];
    uint32_t from = lists[v], until = lists[v + 1];
    double sum = 0;
    for (uint32_t k = from; k < until; k++) {
      float half = w->half[targets[k]];
      sum += w->place[targets[k]] + (half > 0 ? 0.45 * offsets[k] / half : 0);
    }
    if (until > from) last = (float)(sum / (until - from));
    keys[i] = (order_key){last, v, i};
  }
  qsort(keys, n, sizeof *keys, order_compare);
  for (uint32_t i = 0; i < n; i++) {
    w->order[first + i] = keys[i].vertex;
    w->place[keys[i].vertex] = i;
  }
}

int level_order(level_work* w) {
  if (order_begin(w)) return 1;
  uint32_t widest = 0;
  for (uint32_t r = 0; r < w->n_ranks; r++) {
    uint32_t n = w->rank_first[r + 1] - w->rank_first[r];
    widest = n > widest ? n : widest;
  }
  order_key* keys = malloc(((size_t)widest + 1) * sizeof *keys);
  uint32_t* tree = malloc(((size_t)widest + 2) * sizeof *tree);
  uint32_t* best = malloc(((size_t)w->n + 1) * sizeof *best);
  int failed = !keys || !tree || !best;
  uint64_t fewest = 0;
  if (!failed) {
    fewest = order_all_crossings(w, tree);
    memcpy(best, w->order, w->n * sizeof *best);
  }
  uint32_t sweeps = w->l->sweeps ? w->l->sweeps : w->n > 20000 ? 4 : 12;
  for (uint32_t s = 0; s < sweeps && fewest && !failed; s++) {
    if (s & 1)
      for (uint32_t r = w->n_ranks - 1; r-- > 0;)
        order_layer(w, r, false, keys);
    else
      for (uint32_t r = 1; r < w->n_ranks; r++) order_layer(w, r, true, keys);
    uint64_t crossings = order_all_crossings(w, tree);
    if (crossings < fewest) {
      fewest = crossings;
      memcpy(best, w->order, w->n * sizeof *best);
    }
    if (w->l->stop && w->l->stop(w->l->user)) failed = 2;
  }
  if (!failed) {
    memcpy(w->order, best, w->n * sizeof *best);
    for (uint32_t i = 0; i < w->n; i++)
      w->place[best[i]] = i - w->rank_first[w->rank[best[i]]];
  }
  free(keys);
  free(tree);
  free(best);
  return failed;
}
