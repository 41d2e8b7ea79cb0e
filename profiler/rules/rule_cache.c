/* F24: blocks of ever other sizes pile up in the allocator's cache. */
#include <stdio.h>
#include <stdlib.h>

#include "rules.h"
#include "text.h"

enum { CACHE_BYTES = 64 << 20, CACHE_TIMES = 2, CACHE_SIZES = 16 };

/* A line's blocks of the system's: how many, and of how many sizes. */
typedef struct cache_line {
  summary_place place;
  uint32_t stack, node, sizes;
  uint64_t largest;
} cache_line;

static cache_line* cache_line_of(
    cache_line* lines, uint32_t* n, const model* m, uint32_t stack) {
  summary_place p = summary_place_of(m, stack);
  for (uint32_t i = 0; i < *n; i++)
    if (lines[i].place.file == p.file && lines[i].place.line == p.line &&
        lines[i].place.function == p.function)
      return &lines[i];
  lines[*n] = (cache_line){.place = p, .stack = stack, .node = MODEL_NONE};
  return &lines[(*n)++];
}

/* The line that made blocks larger than all it had before most often: sizes
 * that rise find nothing in a cache of smaller ones. */
static bool cache_worst(const model* m, cache_line* worst) {
  enum { MOST = 256 }; /* lines; the first are those of a program's start */
  cache_line* lines = malloc(MOST * sizeof *lines);
  uint32_t n = 0;
  if (!lines) return false;
  for (uint32_t i = 0; i < m->n_buffers && n < MOST; i++) {
    const model_buffer* b = &m->buffers[i];
    if (b->source != 0 || b->array == MODEL_NONE) continue;
    uint32_t node = m->arrays[b->array].node;
    if (node == MODEL_NONE) continue;
    cache_line* l = cache_line_of(lines, &n, m, model_node_stack(m, node));
    if (b->size <= l->largest) continue;
    l->largest = b->size;
    l->node = node;
    l->sizes++;
  }
  *worst = (cache_line){.node = MODEL_NONE};
  for (uint32_t i = 0; i < n; i++)
    if (lines[i].sizes > worst->sizes) *worst = lines[i];
  free(lines);
  return true;
}

bool rule_cache(rules_run* run) {
  const model* m = run->model;
  uint64_t cached = 0, active = 0;
  for (uint32_t i = 0; i < m->n_memory; i++) {
    if (m->memory[i].cache > cached) cached = m->memory[i].cache;
    if (m->memory[i].active > active) active = m->memory[i].active;
  }
  if (cached < CACHE_BYTES || cached < CACHE_TIMES * active) return true;
  cache_line worst;
  if (!cache_worst(m, &worst)) return false;
  if (worst.sizes < CACHE_SIZES) return true;
  finding* f = rules_at(run, worst.stack);
  if (!f) return false;
  char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
  f->count = worst.sizes;
  f->cost_bytes = cached;
  f->node = worst.node;
  snprintf(
      f->evidence,
      sizeof f->evidence,
      "The cache grew to %s, while at most %s were in use: %u times a result "
      "of this line was larger than all before, the last %s.",
      text_bytes(a, cached),
      text_bytes(b, active),
      worst.sizes,
      text_bytes(c, worst.largest));
  return true;
}
