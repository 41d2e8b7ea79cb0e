/* In which order the steps run: that with the lowest memory peak of a few that
 * respect what depends on what.
 *
 *   as planned   depth first from the arrays asked for
 *   as built     by the age of the arrays: a program that builds gradients in
 *                the order in which it needs them has thought about it
 *   by need      depth first, and of what a step reads first that which needs
 *                most memory beyond its result while it is made (Sethi and
 *                Ullman 1970, as if no result were read twice)
 *   greedy       of the steps that could run, that which frees most, or
 *                allocates least; the oldest of equals
 *
 * Each is played through with the sizes of the buffers; on a tie the first of
 * the list stays. A view has no memory of its own; a result that an
 * element-wise step writes over a dying input of its size costs nothing. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "eval/plan.h"
#include "eval/settings.h"

/* ORDER_MIN_BYTES  of all results: less is not worth the thought
 * ORDER_MAX_STEPS  more take too long to think about
 * ORDER_LOOK       steps of those ready that the greedy order looks at */
#if defined(LAZULI_HOSTILE)
enum { ORDER_MIN_BYTES = 1, ORDER_MAX_STEPS = 8192, ORDER_LOOK = 4 };
#else
enum { ORDER_MIN_BYTES = 1 << 20, ORDER_MAX_STEPS = 8192, ORDER_LOOK = 256 };
#endif
enum { ORDER_NONE = UINT32_MAX, ORDER_KINDS = 4 };
/* Of more that a step waits for the order is not thought about. */
enum { ORDER_SORT = 32 };

typedef struct order_buffer {
  uint64_t bytes;
  uint32_t reads; /* places in inputs of steps */
  bool held;      /* lives on after the eval */
} order_buffer;

typedef struct order {
  lz_plan* p;
  uint32_t n;
  order_buffer* buffers; /* one for each output of a step that is no view */
  uint32_t n_buffers;
  uint32_t* made;       /* first buffer of a step; of views: that they show */
  uint32_t* first_read; /* into read: the buffers that a step reads */
  uint32_t* read;
  uint32_t* first_user; /* into users: the steps that wait for a step */
  uint32_t* users;
  uint32_t* waits;    /* how many steps a step waits for */
  uint32_t* left;     /* scratch of one order: reads of a buffer */
  uint32_t* blockers; /* scratch: waits still open */
  uint32_t* ready;    /* scratch */
  uint64_t* need;     /* bytes while a step and what it waits for are made */
  uint64_t* result;   /* bytes of a step's outputs */
  uint32_t* orders[ORDER_KINDS]; /* steps */
} order;

static bool order_is_view(const lz_step* s) {
  return s->node && s->node->op->flags & OP_VIEW;
}

/* The step that makes an array of this eval; ORDER_NONE: it was there. */
static uint32_t order_maker(const order* o, const lz_array* a) {
  uint32_t i = a->mark - 1;
  if (i >= o->n) return ORDER_NONE;
  const lz_step* s = &o->p->steps[i];
  for (uint32_t k = 0; k < s->n_out; k++)
    if (s->out[k] == a) return i;
  return ORDER_NONE;
}

/* The buffer of an array; ORDER_NONE: not of this eval. */
static uint32_t order_buffer_of(const order* o, const lz_array* a) {
  uint32_t i = order_maker(o, a);
  if (i == ORDER_NONE || o->made[i] == ORDER_NONE) return ORDER_NONE;
  const lz_step* s = &o->p->steps[i];
  if (order_is_view(s)) return o->made[i];
  for (uint32_t k = 0; k < s->n_out; k++)
    if (s->out[k] == a) return o->made[i] + k;
  return ORDER_NONE;
}

static uint64_t order_number(order* o) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < o->n; i++) {
    lz_step* s = &o->p->steps[i];
    for (uint32_t k = 0; k < s->n_out; k++)
      if (s->out[k]) s->out[k]->mark = i + 1;
  }
  for (uint32_t i = 0; i < o->n; i++) {
    lz_step* s = &o->p->steps[i];
    if (order_is_view(s)) {
      o->made[i] = order_buffer_of(o, s->in[0]);
      const plan_node* t = s->out[0] ? plan_node_of(o->p, s->out[0]) : NULL;
      if (o->made[i] != ORDER_NONE && t && t->held)
        o->buffers[o->made[i]].held = true;
      continue;
    }
    o->made[i] = o->n_buffers;
    for (uint32_t k = 0; k < s->n_out; k++) {
      const lz_array* a = s->out[k];
      const plan_node* t = a ? plan_node_of(o->p, a) : NULL;
      uint64_t bytes = a ? array_nbytes(a) : 0;
      o->buffers[o->n_buffers++] =
          (order_buffer){.bytes = bytes, .held = t && t->held};
      total += bytes;
    }
  }
  return total;
}

/* Readers and waits, from the inputs. */
static void order_connect(order* o) {
  uint32_t n_read = 0;
  for (uint32_t i = 0; i < o->n; i++) {
    const lz_step* s = &o->p->steps[i];
    o->first_read[i] = n_read;
    for (uint32_t k = 0; k < s->n_in; k++) {
      uint32_t b = order_buffer_of(o, s->in[k]);
      if (b != ORDER_NONE) {
        o->read[n_read++] = b;
        o->buffers[b].reads++;
      }
      uint32_t maker = order_maker(o, s->in[k]);
      if (maker == ORDER_NONE) continue;
      o->waits[i]++;
      o->first_user[maker + 1]++;
    }
  }
  o->first_read[o->n] = n_read;
  for (uint32_t i = 0; i < o->n; i++) o->first_user[i + 1] += o->first_user[i];
  uint32_t* at = o->left; /* as large as need be */
  memcpy(at, o->first_user, o->n * sizeof *at);
  for (uint32_t i = 0; i < o->n; i++) {
    const lz_step* s = &o->p->steps[i];
    for (uint32_t k = 0; k < s->n_in; k++) {
      uint32_t maker = order_maker(o, s->in[k]);
      if (maker != ORDER_NONE) o->users[at[maker]++] = i;
    }
  }
}

/* Bytes that the step needs when it runs, and that are gone after it. */
static void order_cost(
    const order* o, uint32_t i, uint64_t* needs, uint64_t* frees) {
  const lz_step* s = &o->p->steps[i];
  *needs = *frees = 0;
  if (!order_is_view(s))
    for (uint32_t k = 0; k < s->n_out; k++)
      *needs += o->buffers[o->made[i] + k].bytes;
  uint64_t overwritten = 0;
  for (uint32_t r = o->first_read[i]; r < o->first_read[i + 1]; r++) {
    const order_buffer* b = &o->buffers[o->read[r]];
    uint32_t here = 0;
    bool counted = false;
    for (uint32_t q = o->first_read[i]; q < o->first_read[i + 1]; q++) {
      if (o->read[q] != o->read[r]) continue;
      here++;
      counted |= q < r;
    }
    if (counted || b->held || o->left[o->read[r]] != here) continue;
    *frees += b->bytes;
    if (s->program && !overwritten && b->bytes == *needs)
      overwritten = b->bytes;
  }
  *needs -= overwritten;
  *frees -= overwritten;
}

static void order_run(order* o, uint32_t i) {
  for (uint32_t r = o->first_read[i]; r < o->first_read[i + 1]; r++)
    o->left[o->read[r]]--;
}

static void order_restart(order* o) {
  for (uint32_t b = 0; b < o->n_buffers; b++) o->left[b] = o->buffers[b].reads;
}

static uint64_t order_peak(order* o, const uint32_t* steps) {
  uint64_t now = 0, peak = 0, needs, frees;
  order_restart(o);
  for (uint32_t i = 0; i < o->n; i++) {
    order_cost(o, steps[i], &needs, &frees);
    now += needs;
    if (now > peak) peak = now;
    now -= frees;
    order_run(o, steps[i]);
  }
  return peak;
}

static uint64_t order_age(const order* o, uint32_t i) {
  const lz_step* s = &o->p->steps[i];
  for (uint32_t k = 0; k < s->n_out; k++)
    if (s->out[k]) return s->out[k]->id;
  return 0;
}

/* Which of the first of the ready steps runs next: an index into ready. */
static uint32_t order_choose(const order* o, uint32_t n_ready, bool greedy) {
  uint32_t best = 0;
  int64_t best_cost = INT64_MAX;
  uint64_t best_age = UINT64_MAX;
  uint32_t look = greedy && n_ready > ORDER_LOOK ? ORDER_LOOK : n_ready;
  for (uint32_t r = 0; r < look; r++) {
    uint64_t needs = 0, frees = 0, age = order_age(o, o->ready[r]);
    if (greedy) order_cost(o, o->ready[r], &needs, &frees);
    int64_t cost = (int64_t)needs - (int64_t)frees;
    if (cost > best_cost || (cost == best_cost && age >= best_age)) continue;
    best = r;
    best_cost = cost;
    best_age = age;
  }
  return best;
}

static void order_schedule(order* o, bool greedy, uint32_t* steps) {
  uint32_t n_ready = 0, done = 0;
  order_restart(o);
  for (uint32_t i = 0; i < o->n; i++)
    if (!(o->blockers[i] = o->waits[i])) o->ready[n_ready++] = i;
  while (n_ready) {
    uint32_t r = order_choose(o, n_ready, greedy);
    uint32_t i = o->ready[r];
    o->ready[r] = o->ready[--n_ready];
    steps[done++] = i;
    order_run(o, i);
    for (uint32_t u = o->first_user[i]; u < o->first_user[i + 1]; u++)
      if (--o->blockers[o->users[u]] == 0) o->ready[n_ready++] = o->users[u];
  }
}

/* What step i waits for, each once, that with the greatest need beyond its
 * result first; their number, at most ORDER_SORT. */
static uint32_t order_makers(const order* o, uint32_t i, uint32_t* makers) {
  const lz_step* s = &o->p->steps[i];
  uint32_t n = 0;
  for (uint32_t k = 0; k < s->n_in && n < ORDER_SORT; k++) {
    uint32_t maker = order_maker(o, s->in[k]);
    bool known = maker == ORDER_NONE;
    for (uint32_t j = 0; j < n && !known; j++) known = makers[j] == maker;
    if (known) continue;
    uint32_t at = n++;
    uint64_t beyond = o->need[maker] - o->result[maker];
    for (; at && o->need[makers[at - 1]] - o->result[makers[at - 1]] < beyond;
         at--)
      makers[at] = makers[at - 1];
    makers[at] = maker;
  }
  return n;
}

/* Steps are numbered so that what a step waits for comes before it. */
static void order_needs(order* o) {
  uint32_t makers[ORDER_SORT];
  for (uint32_t i = 0; i < o->n; i++) {
    const lz_step* s = &o->p->steps[i];
    uint64_t standing = 0, need = 0;
    uint32_t n = order_makers(o, i, makers);
    for (uint32_t k = 0; k < n; k++) {
      if (standing + o->need[makers[k]] > need)
        need = standing + o->need[makers[k]];
      standing += o->result[makers[k]];
    }
    for (uint32_t k = 0; k < s->n_out; k++)
      if (s->out[k]) o->result[i] += array_nbytes(s->out[k]);
    uint64_t own = standing + (order_is_view(s) ? 0 : o->result[i]);
    o->need[i] = own > need ? own : need;
    if (o->need[i] < o->result[i]) o->need[i] = o->result[i];
  }
}

/* Depth first from the steps that nothing waits for. The stack is `ready`;
 * blockers say what has been placed. */
static void order_by_need(order* o, uint32_t* steps) {
  enum { OPEN = 1, PLACED = 2 };
  uint32_t done = 0, makers[ORDER_SORT];
  order_needs(o);
  memset(o->blockers, 0, o->n * sizeof *o->blockers);
  for (uint32_t root = 0; root < o->n; root++) {
    if (o->first_user[root] != o->first_user[root + 1]) continue;
    uint32_t depth = 0;
    o->ready[depth++] = root;
    o->blockers[root] = OPEN;
    while (depth) {
      uint32_t i = o->ready[depth - 1], next = ORDER_NONE;
      uint32_t n = order_makers(o, i, makers);
      for (uint32_t k = 0; k < n && next == ORDER_NONE; k++)
        if (!o->blockers[makers[k]]) next = makers[k];
      /* What was not looked at in order comes now. */
      const lz_step* s = &o->p->steps[i];
      for (uint32_t k = 0; n == ORDER_SORT && k < s->n_in; k++) {
        uint32_t maker = order_maker(o, s->in[k]);
        if (next == ORDER_NONE && maker != ORDER_NONE && !o->blockers[maker])
          next = maker;
      }
      if (next != ORDER_NONE) {
        o->blockers[next] = OPEN;
        o->ready[depth++] = next;
        continue;
      }
      depth--;
      o->blockers[i] = PLACED;
      steps[done++] = i;
    }
  }
}

static int order_alloc(order* o) {
  uint32_t n_in = 0, n_out = 0, n = o->n;
  for (uint32_t i = 0; i < n; i++) {
    n_in += o->p->steps[i].n_in;
    n_out += o->p->steps[i].n_out;
  }
  uint32_t scratch = n_out > n ? n_out : n;
  size_t words = 4 * ((size_t)n + 2) + 2 * (size_t)n_in + scratch +
                 (ORDER_KINDS + 2) * (size_t)n + 8;
  o->buffers = calloc(n_out + 1, sizeof *o->buffers);
  uint32_t* at = calloc(words, sizeof *at);
  o->made = at;
  if (!at || !o->buffers) return error_memory() == NULL;
  at += n;
  o->first_read = at, at += n + 1;
  o->first_user = at, at += n + 1;
  o->waits = at, at += n;
  o->read = at, at += n_in;
  o->users = at, at += n_in;
  o->left = at, at += scratch;
  o->blockers = at, at += n;
  o->ready = at, at += n;
  for (int k = 0; k < ORDER_KINDS; k++, at += n) o->orders[k] = at;
  o->need = calloc(2 * (size_t)n, sizeof *o->need);
  if (!o->need) return error_memory() == NULL;
  o->result = o->need + n;
  return 0;
}

static int order_apply(lz_plan* p, const uint32_t* steps) {
  lz_step* sorted = plan_alloc(p, p->n_steps * sizeof *sorted);
  if (!sorted) return 1;
  for (uint32_t i = 0; i < p->n_steps; i++) sorted[i] = p->steps[steps[i]];
  p->steps = sorted;
  return 0;
}

int order_steps(lz_plan* p) {
  if (p->n_steps < 4 || p->n_steps > ORDER_MAX_STEPS || !settings_fuse())
    return 0;
  order o = {.p = p, .n = p->n_steps};
  int failed = order_alloc(&o);
  if (!failed && order_number(&o) >= ORDER_MIN_BYTES) {
    order_connect(&o);
    for (uint32_t i = 0; i < o.n; i++) o.orders[0][i] = i;
    order_schedule(&o, false, o.orders[1]);
    order_by_need(&o, o.orders[2]);
    order_schedule(&o, true, o.orders[3]);
    int best = 0;
    uint64_t lowest = UINT64_MAX;
    for (int k = 0; k < ORDER_KINDS; k++) {
      uint64_t peak = order_peak(&o, o.orders[k]);
      if (peak >= lowest) continue;
      lowest = peak;
      best = k;
    }
    if (best) failed = order_apply(p, o.orders[best]);
  }
  free(o.buffers);
  free(o.need);
  free(o.made);
  return failed;
}
