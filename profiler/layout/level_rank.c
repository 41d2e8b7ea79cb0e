/* Which layer an item stands in: below all that it depends on. */
#include <stdlib.h>
#include <string.h>

#include "level.h"

/* Edges out of each item. */
typedef struct rank_lists {
  uint32_t* first;
  uint32_t* edges;
} rank_lists;

static int rank_lists_make(const level* l, rank_lists* lists) {
  lists->first = calloc((size_t)l->n_items + 2, sizeof *lists->first);
  lists->edges = malloc(((size_t)l->n_edges + 1) * sizeof *lists->edges);
  if (!lists->first || !lists->edges) return 1;
  for (uint32_t i = 0; i < l->n_edges; i++)
    lists->first[l->edges[i].from + 2]++;
  for (uint32_t i = 0; i < l->n_items; i++)
    lists->first[i + 2] += lists->first[i + 1];
  for (uint32_t i = 0; i < l->n_edges; i++)
    lists->edges[lists->first[l->edges[i].from + 1]++] = i;
  return 0;
}

/* Depth first, without recursion: an edge back to an item that is still open
 * closes a cycle, and is turned. Items are tried in their order, which is that
 * of time, so what is turned is what really goes back. */
static int rank_turn(level_work* w, const rank_lists* lists) {
  const level* l = w->l;
  uint8_t* state = calloc((size_t)l->n_items + 1, 1);
  uint32_t* next = malloc(((size_t)l->n_items + 1) * sizeof *next);
  uint32_t* stack = malloc(((size_t)l->n_items + 1) * sizeof *stack);
  int failed = !state || !next || !stack;
  for (uint32_t root = 0; root < l->n_items && !failed; root++) {
    if (state[root]) continue;
    uint32_t depth = 0;
    stack[depth++] = root;
    state[root] = 1;
    next[root] = lists->first[root];
    while (depth) {
      uint32_t at = stack[depth - 1];
      if (next[at] == lists->first[at + 1]) {
        state[at] = 2;
        depth--;
        continue;
      }
      uint32_t edge = lists->edges[next[at]++], to = l->edges[edge].to;
      if (state[to] == 1) {
        w->turned[edge] = true;
      } else if (!state[to]) {
        state[to] = 1;
        next[to] = lists->first[to];
        stack[depth++] = to;
      }
    }
  }
  free(state);
  free(next);
  free(stack);
  return failed;
}

static uint32_t rank_upper(const level_work* w, uint32_t edge) {
  const level_edge* e = &w->l->edges[edge];
  return w->turned[edge] ? e->to : e->from;
}
static uint32_t rank_lower(const level_work* w, uint32_t edge) {
  const level_edge* e = &w->l->edges[edge];
  return w->turned[edge] ? e->from : e->to;
}

/* The longest way from above; then what nothing stands above goes down to just
 * over the first that needs it: a constant stands beside its use. */
static int rank_longest(level_work* w) {
  const level* l = w->l;
  uint32_t n = l->n_items;
  uint32_t* first = calloc((size_t)n + 2, sizeof *first);
  uint32_t* lower = malloc(((size_t)l->n_edges + 1) * sizeof *lower);
  uint32_t* waiting = calloc((size_t)n + 1, sizeof *waiting);
  uint32_t* queue = malloc(((size_t)n + 1) * sizeof *queue);
  bool* root = calloc((size_t)n + 1, sizeof *root);
  int failed = !first || !lower || !waiting || !queue || !root;
  bool top = false;
  for (uint32_t i = 0; i < n; i++) top |= l->items[i].kind == LEVEL_TOP;
  if (!failed) {
    for (uint32_t i = 0; i < l->n_edges; i++) {
      first[rank_upper(w, i) + 2]++;
      waiting[rank_lower(w, i)]++;
    }
    for (uint32_t i = 0; i < n; i++) first[i + 2] += first[i + 1];
    for (uint32_t i = 0; i < l->n_edges; i++)
      lower[first[rank_upper(w, i) + 1]++] = rank_lower(w, i);
    uint32_t head = 0, tail = 0;
    for (uint32_t i = 0; i < n; i++) {
      w->rank[i] = top && l->items[i].kind != LEVEL_TOP;
      root[i] = !waiting[i];
      if (root[i]) queue[tail++] = i;
    }
    while (head < tail) {
      uint32_t at = queue[head++];
      for (uint32_t i = first[at]; i < first[at + 1]; i++) {
        if (w->rank[lower[i]] < w->rank[at] + 1)
          w->rank[lower[i]] = w->rank[at] + 1;
        if (!--waiting[lower[i]]) queue[tail++] = lower[i];
      }
    }
    for (uint32_t k = tail; k-- > 0;) {
      uint32_t at = queue[k], least = UINT32_MAX;
      if (root[at] && l->items[at].kind == LEVEL_BOX) {
        for (uint32_t i = first[at]; i < first[at + 1]; i++)
          if (l->items[lower[i]].kind != LEVEL_BOTTOM &&
              w->rank[lower[i]] < least)
            least = w->rank[lower[i]];
        if (least != UINT32_MAX) w->rank[at] = least - 1;
      }
    }
  }
  free(first);
  free(lower);
  free(waiting);
  free(queue);
  free(root);
  return failed;
}

/* What nothing joins to anything fills a block of rows. */
static int rank_alone(level_work* w) {
  const level* l = w->l;
  bool* joined = calloc((size_t)l->n_items + 1, sizeof *joined);
  if (!joined) return 1;
  for (uint32_t i = 0; i < l->n_edges; i++)
    joined[l->edges[i].from] = joined[l->edges[i].to] = true;
  uint32_t n = 0, row = 4;
  for (uint32_t i = 0; i < l->n_items; i++) n += !joined[i];
  while (row * row < 4 * (uint64_t)n) row++;
  n = 0;
  for (uint32_t i = 0; i < l->n_items; i++)
    if (!joined[i] && l->items[i].kind == LEVEL_BOX) w->rank[i] += n++ / row;
  free(joined);
  /* The lower border is below all. */
  uint32_t deepest = 0;
  for (uint32_t i = 0; i < l->n_items; i++)
    if (l->items[i].kind != LEVEL_BOTTOM && w->rank[i] > deepest)
      deepest = w->rank[i];
  for (uint32_t i = 0; i < l->n_items; i++)
    if (l->items[i].kind == LEVEL_BOTTOM) w->rank[i] = deepest + 1;
  return 0;
}

int level_rank(level_work* w) {
  rank_lists lists = {0};
  int failed = rank_lists_make(w->l, &lists) || rank_turn(w, &lists) ||
               rank_longest(w) || rank_alone(w);
  free(lists.first);
  free(lists.edges);
  /* Close up layers in which nothing stands. */
  uint32_t most = 0;
  for (uint32_t i = 0; i < w->l->n_items && !failed; i++)
    most = w->rank[i] > most ? w->rank[i] : most;
  uint32_t* used = failed ? NULL : calloc((size_t)most + 2, sizeof *used);
  if (!used) return 1;
  for (uint32_t i = 0; i < w->l->n_items; i++) used[w->rank[i]] = 1;
  uint32_t n = 0;
  for (uint32_t r = 0; r <= most; r++) {
    uint32_t here = used[r];
    used[r] = n;
    n += here;
  }
  for (uint32_t i = 0; i < w->l->n_items; i++) w->rank[i] = used[w->rank[i]];
  w->n_ranks = n;
  free(used);
  return 0;
}
