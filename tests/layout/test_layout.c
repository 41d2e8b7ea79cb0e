/* What a layout must hold, on graphs small and large: boxes apart, clusters
 * around what is theirs alone, edges from end to end, downwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "layout.h"

static uint32_t random_state = 1;
static uint32_t random_below(uint32_t n) {
  random_state = random_state * 1664525 + 1013904223;
  return (random_state >> 8) % n;
}

typedef struct graph {
  layout_graph g;
  layout_node* nodes;
  layout_edge* edges;
  layout_cluster* clusters;
} graph;

static graph graph_new(uint32_t nodes, uint32_t edges, uint32_t clusters) {
  graph g = {
      .nodes = calloc(nodes + 1, sizeof(layout_node)),
      .edges = calloc(edges + 1, sizeof(layout_edge)),
      .clusters = calloc(clusters + 1, sizeof(layout_cluster))};
  g.g = (layout_graph){g.nodes, g.edges, g.clusters, nodes, edges, clusters};
  for (uint32_t i = 0; i < nodes; i++)
    g.nodes[i] = (layout_node){80 + (float)random_below(40), 30, LAYOUT_NONE};
  for (uint32_t i = 0; i < clusters; i++)
    g.clusters[i] = (layout_cluster){LAYOUT_NONE, 100, 18};
  return g;
}

static void graph_free(graph* g) {
  free(g->nodes);
  free(g->edges);
  free(g->clusters);
}

/* Evals of `per_eval` nodes with kernels of three, as traces have them. */
static graph graph_like_a_trace(uint32_t n, uint32_t per_eval) {
  uint32_t evals = (n + per_eval - 1) / per_eval, kernels = n / 6;
  graph g = graph_new(n, 2 * n, evals + kernels);
  uint32_t e = 0;
  for (uint32_t i = 0; i < n; i++) {
    g.nodes[i].cluster = i / per_eval;
    if (i % 6 >= 3 && i / 6 < kernels) {
      g.nodes[i].cluster = evals + i / 6;
      g.clusters[evals + i / 6].parent = (i - i % 3) / per_eval;
    }
    if (i) g.edges[e++] = (layout_edge){i - 1 - random_below(i < 9 ? i : 9), i};
    if (i > 40 && i % 3 == 0)
      g.edges[e++] = (layout_edge){i - 1 - random_below(40), i};
  }
  g.g.n_edges = e;
  return g;
}

static bool apart(layout_box a, layout_box b) {
  return a.x + a.width <= b.x + 0.01f || b.x + b.width <= a.x + 0.01f ||
         a.y + a.height <= b.y + 0.01f || b.y + b.height <= a.y + 0.01f;
}
static bool within(layout_box a, layout_box b) {
  return a.x >= b.x - 0.5f && a.y >= b.y - 0.5f &&
         a.x + a.width <= b.x + b.width + 0.5f &&
         a.y + a.height <= b.y + b.height + 0.5f;
}

static bool inside(const graph* g, uint32_t cluster, uint32_t of) {
  while (cluster != LAYOUT_NONE && cluster != of)
    cluster = g->clusters[cluster].parent;
  return cluster == of;
}

static void check(const graph* g, const layout_result* r, bool pairs) {
  layout_box all = {0, 0, r->width, r->height};
  for (uint32_t i = 0; i < g->g.n_nodes; i++) {
    assert_true(within(r->nodes[i], all));
    if (g->nodes[i].cluster != LAYOUT_NONE)
      assert_true(within(r->nodes[i], r->clusters[g->nodes[i].cluster]));
    for (uint32_t j = 0; j < i && pairs; j++)
      assert_true(apart(r->nodes[i], r->nodes[j]));
  }
  for (uint32_t c = 0; c < g->g.n_clusters && pairs; c++) {
    if (r->clusters[c].width == 0) continue;
    for (uint32_t d = 0; d < c; d++)
      if (r->clusters[d].width > 0 && !inside(g, c, d) && !inside(g, d, c))
        assert_true(apart(r->clusters[c], r->clusters[d]));
    for (uint32_t i = 0; i < g->g.n_nodes; i++)
      if (!inside(g, g->nodes[i].cluster, c))
        assert_true(apart(r->nodes[i], r->clusters[c]));
  }
  for (uint32_t i = 0; i < g->g.n_edges; i++) {
    layout_way w = r->edges[i];
    const layout_edge* e = &g->edges[i];
    if (e->from == e->to) {
      assert_int_equal(w.count, 0);
      continue;
    }
    assert_true(w.count >= 2);
    assert_true(w.first + w.count <= r->n_points);
    layout_point a = r->points[w.first], b = r->points[w.first + w.count - 1];
    layout_box from = r->nodes[e->from], to = r->nodes[e->to];
    assert_true(a.x >= from.x - 1 && a.x <= from.x + from.width + 1);
    assert_true(b.x >= to.x - 1 && b.x <= to.x + to.width + 1);
    assert_true(a.y >= from.y - 1 && a.y <= from.y + from.height + 1);
    assert_true(b.y >= to.y - 1 && b.y <= to.y + to.height + 1);
  }
}

static void run(const graph* g, const layout_options* o, bool pairs) {
  layout_result r;
  assert_int_equal(layout_run(&g->g, o, &r), 0);
  check(g, &r, pairs);
  layout_free(&r);
}

static void test_empty(void** state) {
  (void)state;
  graph g = graph_new(0, 0, 0);
  run(&g, NULL, true);
  graph_free(&g);
  g = graph_new(1, 0, 2); /* clusters with nothing in them */
  run(&g, NULL, true);
  graph_free(&g);
  layout_free(NULL);
}

static void test_small(void** state) {
  (void)state;
  for (uint32_t n = 2; n < 60; n++) {
    graph g = graph_like_a_trace(n, 12);
    run(&g, NULL, true);
    layout_options stack = {.stack = true};
    run(&g, &stack, true);
    graph_free(&g);
  }
}

/* Cycles, loops, double edges, clusters in one another at random. */
static void test_wild(void** state) {
  (void)state;
  for (uint32_t turn = 0; turn < 60; turn++) {
    uint32_t n = 1 + random_below(50), c = random_below(8);
    graph g = graph_new(n, 3 * n, c);
    for (uint32_t i = 1; i < c; i++)
      if (random_below(2)) g.clusters[i].parent = random_below(i);
    for (uint32_t i = 0; i < n; i++)
      if (c && random_below(3)) g.nodes[i].cluster = random_below(c);
    for (uint32_t i = 0; i < 3 * n; i++)
      g.edges[i] = (layout_edge){random_below(n), random_below(n)};
    run(&g, NULL, true);
    graph_free(&g);
  }
}

static void test_downwards(void** state) {
  (void)state;
  graph g = graph_like_a_trace(500, 100000);
  layout_result r;
  for (uint32_t i = 0; i < g.g.n_nodes; i++) g.nodes[i].cluster = LAYOUT_NONE;
  assert_int_equal(layout_run(&g.g, NULL, &r), 0);
  for (uint32_t i = 0; i < g.g.n_edges; i++)
    assert_true(r.nodes[g.edges[i].from].y < r.nodes[g.edges[i].to].y);
  layout_free(&r);
  graph_free(&g);
}

/* With `stack`, evaluations come in the order of time, joined or not. */
static void test_stack(void** state) {
  (void)state;
  graph g = graph_new(40, 0, 10);
  for (uint32_t i = 0; i < 40; i++) g.nodes[i].cluster = i / 4;
  layout_options o = {.stack = true};
  layout_result r;
  assert_int_equal(layout_run(&g.g, &o, &r), 0);
  for (uint32_t c = 1; c < 10; c++)
    assert_true(
        r.clusters[c].y >= r.clusters[c - 1].y + r.clusters[c - 1].height);
  layout_free(&r);
  graph_free(&g);
}

/* A tree is drawn without crossings, whatever the order of its edges. */
static void test_crossings(void** state) {
  (void)state;
  graph g = graph_new(63, 62, 0);
  for (uint32_t i = 1; i < 63; i++) {
    /* Children in an order that crosses unless it is mended. */
    g.edges[i - 1] = (layout_edge){(i - 1) / 2, i};
  }
  for (uint32_t i = 62; i > 1; i--) {
    uint32_t j = random_below(i);
    layout_edge e = g.edges[i - 1];
    g.edges[i - 1] = g.edges[j];
    g.edges[j] = e;
  }
  layout_result r;
  assert_int_equal(layout_run(&g.g, NULL, &r), 0);
  uint64_t n = 0;
  /* Between two layers only. */
  for (uint32_t first = 1, next = 3; first < 63;
       first = next, next = 2 * next + 1)
    for (uint32_t i = first; i < next && i < 63; i++)
      for (uint32_t j = first; j < i; j++) {
        float d = r.nodes[(i - 1) / 2].x - r.nodes[(j - 1) / 2].x;
        float e = r.nodes[i].x - r.nodes[j].x;
        n += d * e < 0;
      }
  assert_int_equal(n, 0);
  layout_free(&r);
  graph_free(&g);
}

static int cancel(double fraction, void* user) {
  assert_true(fraction >= 0 && fraction <= 1.001);
  return ++*(int*)user == 3;
}

static void test_refused(void** state) {
  (void)state;
  graph g = graph_like_a_trace(3000, 50);
  int calls = 0;
  layout_options o = {.progress = cancel, .user = &calls};
  layout_result r;
  assert_int_equal(layout_run(&g.g, &o, &r), 2);
  assert_int_equal(calls, 3);
  g.edges[7].to = 3000;
  assert_int_equal(layout_run(&g.g, NULL, &r), 3);
  g.edges[7].to = 2;
  g.nodes[5].cluster = 99999;
  assert_int_equal(layout_run(&g.g, NULL, &r), 3);
  graph_free(&g);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_one(const char* what, const graph* g, bool stack) {
  layout_options o = {.stack = stack};
  layout_result r;
  double t = seconds();
  assert_int_equal(layout_run(&g->g, &o, &r), 0);
  t = seconds() - t;
  print_message(
      "%s: %u nodes, %u edges: %.2f s, %.0f x %.0f\n",
      what,
      g->g.n_nodes,
      g->g.n_edges,
      t,
      (double)r.width,
      (double)r.height);
  check(g, &r, false);
  /* Generous: sanitizers and busy machines are slow. */
  assert_true(t < 60);
  layout_free(&r);
}

static void test_large(void** state) {
  (void)state;
  graph g = graph_like_a_trace(100000, 400);
  time_one("many evals", &g, true);
  graph_free(&g);
  g = graph_like_a_trace(100000, 100000);
  time_one("one eval", &g, false);
  for (uint32_t i = 0; i < g.g.n_nodes; i++) g.nodes[i].cluster = LAYOUT_NONE;
  time_one("no clusters", &g, false);
  graph_free(&g);
  /* A chain, and a long edge from its beginning to every node. */
  g = graph_new(100000, 200000, 0);
  uint32_t e = 0;
  for (uint32_t i = 1; i < 100000; i++) {
    g.edges[e++] = (layout_edge){i - 1, i};
    g.edges[e++] = (layout_edge){0, i};
  }
  g.g.n_edges = e;
  time_one("chain", &g, false);
  graph_free(&g);
  /* Wide: one node feeds all. */
  g = graph_new(100000, 100000, 0);
  for (uint32_t i = 1; i < 100000; i++) g.edges[i - 1] = (layout_edge){0, i};
  g.g.n_edges = 99999;
  time_one("fan", &g, false);
  graph_free(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_small),
      cmocka_unit_test(test_wild),
      cmocka_unit_test(test_downwards),
      cmocka_unit_test(test_stack),
      cmocka_unit_test(test_crossings),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
