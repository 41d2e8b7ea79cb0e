#include "layout.h"

#include <stdlib.h>
#include <string.h>

#include "layout_map.h"
#include "level.h"

/* What stands in a cluster: a node, an inner cluster, or a port, where the
 * edges of one node pass the cluster's border. */
typedef struct layout_item {
  uint32_t cluster;
  uint32_t node;  /* or NONE */
  uint32_t inner; /* cluster, or NONE */
  uint32_t local; /* index in the level of its cluster */
  uint8_t kind;   /* level_kind */
  float x;        /* within the cluster's box: the middle */
  float y;
} layout_item;

/* A part of an edge within one cluster. Ends are items; where an end is an
 * inner cluster, the port tells at which point of its border. */
typedef struct layout_part {
  uint32_t cluster;
  uint32_t from;
  uint32_t to;
  uint32_t from_port;
  uint32_t to_port;
  uint32_t first_point; /* in layout_state.points */
  uint32_t n_points;
} layout_part;

typedef struct layout_size {
  float width;
  float height;
  float x; /* of the box in the picture */
  float y;
  uint32_t nodes; /* inside, at any depth */
} layout_size;

typedef struct layout_state {
  const layout_graph* g;
  layout_options o;
  uint32_t root; /* = n_clusters */
  layout_item* items;
  uint32_t n_items;
  uint32_t items_room;
  layout_part* parts;
  uint32_t n_parts;
  uint32_t parts_room;
  uint32_t* way; /* parts of edges, one edge after the other */
  uint32_t n_way;
  uint32_t way_room;
  uint32_t* way_first;    /* of an edge; n_edges + 1 */
  uint32_t* cluster_item; /* of a cluster, in its parent */
  layout_size* sizes;     /* of clusters, and of the root */
  layout_point* points;   /* of parts, within the cluster's box */
  uint32_t n_points;
  uint32_t points_room;
  layout_map ports;
  layout_map known; /* parts */
  uint64_t done;    /* items laid out */
} layout_state;

static bool layout_grow(void** at, uint32_t* room, uint32_t n, size_t size) {
  if (n < *room) return true;
  uint64_t more = *room ? (uint64_t)*room * 2 : 256;
  if (more <= n) more = (uint64_t)n + 1;
  void* grown = more < UINT32_MAX ? realloc(*at, more * size) : NULL;
  if (!grown) return false;
  *at = grown;
  *room = (uint32_t)more;
  return true;
}

static uint32_t layout_add_item(layout_state* s, layout_item item) {
  if (!layout_grow(
          (void**)&s->items, &s->items_room, s->n_items, sizeof *s->items))
    return LAYOUT_NONE;
  s->items[s->n_items] = item;
  return s->n_items++;
}

static uint32_t layout_parent(const layout_state* s, uint32_t cluster) {
  uint32_t parent = s->g->clusters[cluster].parent;
  return parent == LAYOUT_NONE ? s->root : parent;
}

static uint32_t layout_cluster_of(const layout_state* s, uint32_t node) {
  uint32_t cluster = s->g->nodes[node].cluster;
  return cluster == LAYOUT_NONE ? s->root : cluster;
}

static int layout_check(const layout_graph* g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].cluster != LAYOUT_NONE &&
        g->nodes[i].cluster >= g->n_clusters)
      return 3;
  for (uint32_t i = 0; i < g->n_edges; i++)
    if (g->edges[i].from >= g->n_nodes || g->edges[i].to >= g->n_nodes)
      return 3;
  for (uint32_t i = 0; i < g->n_clusters; i++)
    if (g->clusters[i].parent != LAYOUT_NONE && g->clusters[i].parent >= i)
      return 3;
  return 0;
}

/* Items 0 … n_nodes-1 are the nodes; clusters that hold any follow. */
static int layout_items(layout_state* s) {
  const layout_graph* g = s->g;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t cluster = layout_cluster_of(s, i);
    s->sizes[cluster].nodes++;
    if (layout_add_item(
            s,
            (layout_item){
                .cluster = cluster, .node = i, .inner = LAYOUT_NONE}) ==
        LAYOUT_NONE)
      return 1;
  }
  for (uint32_t c = g->n_clusters; c-- > 0;)
    s->sizes[layout_parent(s, c)].nodes += s->sizes[c].nodes;
  for (uint32_t c = 0; c < g->n_clusters; c++) {
    s->cluster_item[c] = LAYOUT_NONE;
    if (!s->sizes[c].nodes) continue;
    s->cluster_item[c] = layout_add_item(
        s,
        (layout_item){
            .cluster = layout_parent(s, c), .node = LAYOUT_NONE, .inner = c});
    if (s->cluster_item[c] == LAYOUT_NONE) return 1;
  }
  return 0;
}

/* The item where edges of `node` pass the border of `cluster`. */
static uint32_t layout_port(
    layout_state* s, uint32_t cluster, uint32_t node, uint8_t kind) {
  layout_key key = {{cluster, node, kind, 0}};
  bool is_new;
  uint32_t* at = layout_map_at(&s->ports, key, s->n_items, &is_new);
  if (!at) return LAYOUT_NONE;
  if (!is_new) return *at - 1;
  return layout_add_item(
      s,
      (layout_item){
          .cluster = cluster,
          .node = LAYOUT_NONE,
          .inner = LAYOUT_NONE,
          .kind = kind});
}

/* Adds the part from one item to another to the way under way; parts of one
 * node's edges that are equal are one. */
static bool layout_add_part(layout_state* s, uint32_t node, layout_part part) {
  layout_key key = {{part.from, part.to, node, part.to_port}};
  bool is_new;
  uint32_t* at = layout_map_at(&s->known, key, s->n_parts, &is_new);
  if (!at ||
      !layout_grow((void**)&s->way, &s->way_room, s->n_way, sizeof *s->way))
    return false;
  s->way[s->n_way++] = *at - 1;
  if (!is_new) return true;
  if (!layout_grow(
          (void**)&s->parts, &s->parts_room, s->n_parts, sizeof *s->parts))
    return false;
  s->parts[s->n_parts++] = part;
  return true;
}

enum { LAYOUT_DEEPEST = 64 };

/* Out of the clusters around the tail, across, into those around the head. */
static int layout_edge_parts(layout_state* s, uint32_t from, uint32_t to) {
  uint32_t tail[LAYOUT_DEEPEST], head[LAYOUT_DEEPEST];
  uint32_t n_tail = 0, n_head = 0;
  uint32_t a = layout_cluster_of(s, from), b = layout_cluster_of(s, to);
  /* Of two clusters, the one with the larger index cannot hold the other. */
  while (a != b) {
    if (a != s->root && (b == s->root || a > b)) {
      if (n_tail == LAYOUT_DEEPEST) return 3;
      tail[n_tail++] = a;
      a = layout_parent(s, a);
    } else {
      if (n_head == LAYOUT_DEEPEST) return 3;
      head[n_head++] = b;
      b = layout_parent(s, b);
    }
  }
  uint32_t at = from, port = LAYOUT_NONE;
  for (uint32_t i = 0; i < n_tail; i++) {
    uint32_t out = layout_port(s, tail[i], from, LEVEL_BOTTOM);
    if (out == LAYOUT_NONE || !layout_add_part(
                                  s,
                                  from,
                                  (layout_part){
                                      .cluster = tail[i],
                                      .from = at,
                                      .to = out,
                                      .from_port = port,
                                      .to_port = LAYOUT_NONE}))
      return 1;
    at = s->cluster_item[tail[i]];
    port = out;
  }
  uint32_t cluster = a;
  for (uint32_t i = n_head; i-- > 0;) {
    uint32_t in = layout_port(s, head[i], from, LEVEL_TOP);
    if (in == LAYOUT_NONE || !layout_add_part(
                                 s,
                                 from,
                                 (layout_part){
                                     .cluster = cluster,
                                     .from = at,
                                     .to = s->cluster_item[head[i]],
                                     .from_port = port,
                                     .to_port = in}))
      return 1;
    at = in;
    port = LAYOUT_NONE;
    cluster = head[i];
  }
  return !layout_add_part(
      s,
      from,
      (layout_part){
          .cluster = cluster,
          .from = at,
          .to = to,
          .from_port = port,
          .to_port = LAYOUT_NONE});
}

static int layout_parts(layout_state* s) {
  for (uint32_t i = 0; i < s->g->n_edges; i++) {
    const layout_edge* e = &s->g->edges[i];
    s->way_first[i] = s->n_way;
    int failed = e->from == e->to ? 0 : layout_edge_parts(s, e->from, e->to);
    if (failed) return failed;
  }
  s->way_first[s->g->n_edges] = s->n_way;
  return 0;
}

static int layout_stop(void* user) {
  layout_state* s = user;
  if (!s->o.progress) return 0;
  double all = s->n_items ? (double)s->n_items : 1;
  return s->o.progress((double)s->done / all, s->o.user);
}

/* What stands in each cluster, and which parts run in it, beside one another.
 */
typedef struct layout_lists {
  uint32_t* item_first; /* n_clusters + 2 */
  uint32_t* items;
  uint32_t* part_first;
  uint32_t* parts;
} layout_lists;

static int layout_lists_make(const layout_state* s, layout_lists* lists) {
  size_t n = (size_t)s->root + 3;
  lists->item_first = calloc(n, sizeof(uint32_t));
  lists->part_first = calloc(n, sizeof(uint32_t));
  lists->items = malloc(((size_t)s->n_items + 1) * sizeof(uint32_t));
  lists->parts = malloc(((size_t)s->n_parts + 1) * sizeof(uint32_t));
  if (!lists->item_first || !lists->part_first || !lists->items ||
      !lists->parts)
    return 1;
  for (uint32_t i = 0; i < s->n_items; i++)
    lists->item_first[s->items[i].cluster + 2]++;
  for (uint32_t i = 0; i < s->n_parts; i++)
    lists->part_first[s->parts[i].cluster + 2]++;
  for (uint32_t c = 0; c <= s->root; c++) {
    lists->item_first[c + 1] += lists->item_first[c];
    lists->part_first[c + 1] += lists->part_first[c];
  }
  for (uint32_t i = 0; i < s->n_items; i++)
    lists->items[lists->item_first[s->items[i].cluster + 1]++] = i;
  for (uint32_t i = 0; i < s->n_parts; i++)
    lists->parts[lists->part_first[s->parts[i].cluster + 1]++] = i;
  return 0;
}

static void layout_lists_free(layout_lists* lists) {
  free(lists->item_first);
  free(lists->items);
  free(lists->part_first);
  free(lists->parts);
}

/* The level of a cluster, from what stands in it. */
static int layout_fill(
    layout_state* s, uint32_t c, const layout_lists* lists, level* l) {
  const uint32_t* items = lists->items + lists->item_first[c];
  const uint32_t* parts = lists->parts + lists->part_first[c];
  uint32_t n_items = lists->item_first[c + 1] - lists->item_first[c];
  uint32_t n_parts = lists->part_first[c + 1] - lists->part_first[c];
  l->items = calloc((size_t)n_items + 1, sizeof *l->items);
  l->edges = calloc((size_t)n_parts + n_items + 1, sizeof *l->edges);
  if (!l->items || !l->edges) return 1;
  uint32_t before = LAYOUT_NONE; /* the outermost cluster that came last */
  l->n_items = n_items;
  for (uint32_t i = 0; i < n_items; i++) {
    layout_item* item = &s->items[items[i]];
    item->local = i;
    l->items[i].kind = item->kind;
    if (item->node != LAYOUT_NONE) {
      l->items[i].width = s->g->nodes[item->node].width;
      l->items[i].height = s->g->nodes[item->node].height;
    } else if (item->inner != LAYOUT_NONE) {
      l->items[i].width = s->sizes[item->inner].width;
      l->items[i].height = s->sizes[item->inner].height;
      if (s->o.stack && c == s->root) {
        if (before != LAYOUT_NONE)
          l->edges[l->n_edges++] =
              (level_edge){.from = before, .to = i, .order = true};
        before = i;
      }
    }
  }
  for (uint32_t i = 0; i < n_parts; i++) {
    const layout_part* p = &s->parts[parts[i]];
    level_edge e = {
        .from = s->items[p->from].local, .to = s->items[p->to].local};
    if (p->from_port != LAYOUT_NONE)
      e.from_x = s->items[p->from_port].x - l->items[e.from].width / 2;
    if (p->to_port != LAYOUT_NONE)
      e.to_x = s->items[p->to_port].x - l->items[e.to].width / 2;
    l->edges[l->n_edges++] = e;
  }
  return 0;
}

/* Places and ways of a finished level, moved into the cluster's box. */
static int layout_take(
    layout_state* s, uint32_t c, const layout_lists* lists, const level* l) {
  const uint32_t* items = lists->items + lists->item_first[c];
  const uint32_t* parts = lists->parts + lists->part_first[c];
  bool root = c == s->root;
  const layout_cluster* cluster = root ? NULL : &s->g->clusters[c];
  float padding = root ? s->o.node_gap : s->o.padding;
  float inner = l->width;
  if (!root && cluster->label_width > inner) inner = cluster->label_width;
  float dx = padding + (inner - l->width) / 2;
  float dy = padding + (root ? 0 : cluster->label_height);
  s->sizes[c].width = inner + 2 * padding;
  s->sizes[c].height = dy + l->height + padding;
  for (uint32_t i = 0; i < l->n_items; i++) {
    layout_item* item = &s->items[items[i]];
    item->x = l->items[i].x + dx;
    item->y = item->kind == LEVEL_TOP      ? 0
              : item->kind == LEVEL_BOTTOM ? s->sizes[c].height
                                           : l->items[i].y + dy;
  }
  uint32_t room = s->points_room;
  if (l->n_points) {
    if ((uint64_t)s->n_points + l->n_points >= UINT32_MAX) return 1;
    if (!layout_grow(
            (void**)&s->points,
            &room,
            s->n_points + l->n_points,
            sizeof *s->points))
      return 1;
    s->points_room = room;
  }
  uint32_t n_parts = lists->part_first[c + 1] - lists->part_first[c];
  uint32_t n_order = l->n_edges - n_parts; /* they come first */
  for (uint32_t i = 0; i < n_parts; i++) {
    layout_part* p = &s->parts[parts[i]];
    const level_edge* e = &l->edges[n_order + i];
    p->first_point = s->n_points;
    p->n_points = e->n_points;
    for (uint32_t k = 0; k < e->n_points; k++) {
      layout_point at = l->points[e->first_point + k];
      s->points[s->n_points++] = (layout_point){at.x + dx, at.y + dy};
    }
    if (s->items[p->from].kind == LEVEL_TOP) s->points[p->first_point].y = 0;
    if (s->items[p->to].kind == LEVEL_BOTTOM)
      s->points[s->n_points - 1].y = s->sizes[c].height;
  }
  return 0;
}

static int layout_levels(layout_state* s) {
  layout_lists lists = {0};
  int failed = layout_lists_make(s, &lists);
  /* Inner clusters have larger indices; the root is last. */
  for (uint32_t k = 0; k <= s->root && !failed; k++) {
    uint32_t c = k == s->root ? s->root : s->root - 1 - k;
    if (!s->sizes[c].nodes) continue;
    level l = {
        .node_gap = s->o.node_gap,
        .layer_gap = s->o.layer_gap,
        .sweeps = s->o.sweeps,
        .stop = layout_stop,
        .user = s};
    failed = layout_fill(s, c, &lists, &l);
    if (!failed) failed = level_run(&l);
    if (!failed) failed = layout_take(s, c, &lists, &l);
    s->done += l.n_items;
    if (!failed && (k & 255) == 0 && layout_stop(s)) failed = 2;
    free(l.items);
    free(l.edges);
    free(l.points);
  }
  layout_lists_free(&lists);
  return failed;
}

static int layout_result_make(layout_state* s, layout_result* out) {
  const layout_graph* g = s->g;
  uint64_t n_points = 1;
  for (uint32_t i = 0; i < s->n_way; i++)
    n_points += s->parts[s->way[i]].n_points;
  memset(out, 0, sizeof *out);
  out->nodes = calloc((size_t)g->n_nodes + 1, sizeof *out->nodes);
  out->clusters = calloc((size_t)g->n_clusters + 1, sizeof *out->clusters);
  out->edges = calloc((size_t)g->n_edges + 1, sizeof *out->edges);
  if (n_points < UINT32_MAX)
    out->points = malloc(n_points * sizeof *out->points);
  if (!out->nodes || !out->clusters || !out->edges || !out->points) {
    layout_free(out);
    return 1;
  }
  for (uint32_t c = 0; c < g->n_clusters; c++) {
    layout_size* size = &s->sizes[c];
    if (!size->nodes) continue;
    const layout_item* item = &s->items[s->cluster_item[c]];
    const layout_size* around = &s->sizes[item->cluster];
    size->x = around->x + item->x - size->width / 2;
    size->y = around->y + item->y - size->height / 2;
    out->clusters[c] =
        (layout_box){size->x, size->y, size->width, size->height};
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const layout_item* item = &s->items[i];
    const layout_size* around = &s->sizes[item->cluster];
    float w = g->nodes[i].width, h = g->nodes[i].height;
    out->nodes[i] = (layout_box){
        around->x + item->x - w / 2, around->y + item->y - h / 2, w, h};
  }
  for (uint32_t i = 0; i < g->n_edges; i++) {
    out->edges[i].first = out->n_points;
    for (uint32_t k = s->way_first[i]; k < s->way_first[i + 1]; k++) {
      const layout_part* p = &s->parts[s->way[k]];
      const layout_size* around = &s->sizes[p->cluster];
      /* Where parts meet, both have the point. */
      for (uint32_t j = k > s->way_first[i]; j < p->n_points; j++)
        out->points[out->n_points++] = (layout_point){
            s->points[p->first_point + j].x + around->x,
            s->points[p->first_point + j].y + around->y};
    }
    out->edges[i].count = out->n_points - out->edges[i].first;
  }
  out->width = s->sizes[s->root].width;
  out->height = s->sizes[s->root].height;
  return 0;
}

int layout_run(
    const layout_graph* graph,
    const layout_options* options,
    layout_result* out) {
  layout_state s = {.g = graph, .root = graph->n_clusters};
  if (options) s.o = *options;
  if (s.o.node_gap <= 0) s.o.node_gap = 24;
  if (s.o.layer_gap <= 0) s.o.layer_gap = 36;
  if (s.o.padding <= 0) s.o.padding = 12;
  int failed = layout_check(graph);
  if (failed) return failed;
  s.sizes = calloc((size_t)s.root + 1, sizeof *s.sizes);
  s.cluster_item = calloc((size_t)s.root + 1, sizeof *s.cluster_item);
  s.way_first = calloc((size_t)graph->n_edges + 1, sizeof *s.way_first);
  failed = !s.sizes || !s.cluster_item || !s.way_first;
  if (!failed) failed = layout_items(&s);
  if (!failed) failed = layout_parts(&s);
  layout_map_free(&s.ports);
  layout_map_free(&s.known);
  if (!failed) failed = layout_levels(&s);
  if (!failed) failed = layout_result_make(&s, out);
  free(s.items);
  free(s.parts);
  free(s.way);
  free(s.way_first);
  free(s.cluster_item);
  free(s.sizes);
  free(s.points);
  return failed;
}

void layout_free(layout_result* r) {
  if (!r) return;
  free(r->nodes);
  free(r->clusters);
  free(r->edges);
  free(r->points);
  memset(r, 0, sizeof *r);
}
