#include "helpers.h"

#include "keys.h"
#include "vec.h"

enum { HELPERS_FUNCTION, HELPERS_OWN, HELPERS_CALLER };

/* What is known of a function. */
typedef struct helper {
  uint32_t lines;   /* of its own, that are sites */
  uint32_t callers; /* lines */
  bool first;       /* nobody of the user's calls it */
} helper;

typedef struct helpers {
  loader* l;
  keys functions, lines;
  VEC(helper) known;
} helpers;

/* The next frame of the user's outside a stack's site, or NULL. */
static const model_frame* helpers_caller(
    const loader* l, const model_stack* s, uint32_t* index) {
  for (uint32_t i = s->site + 1; i < s->first + s->count; i++)
    if (l->frames.at[i].user) return *index = i, &l->frames.at[i];
  return NULL;
}

static helper* helpers_of(helpers* h, const model_frame* f) {
  keys_key key = {{HELPERS_FUNCTION, f->file, f->function}};
  bool is_new;
  uint32_t row = keys_row(&h->functions, &key, &is_new);
  if (row == UINT32_MAX || (is_new && !VEC_PUSH(h->known))) return NULL;
  return &h->known.at[row];
}

/* False when there is no memory. */
static bool helpers_count(helpers* h, const model_stack* s) {
  const model_frame* site = &h->l->frames.at[s->site];
  uint32_t outside;
  const model_frame* caller = helpers_caller(h->l, s, &outside);
  helper* of = helpers_of(h, site);
  if (!of) return false;
  bool is_new;
  keys_key own = {{HELPERS_OWN, site->file, site->function, site->line}};
  if (keys_row(&h->lines, &own, &is_new) == UINT32_MAX) return false;
  of->lines += is_new;
  if (!caller) {
    of->first = true;
  } else if (caller->function != site->function || caller->file != site->file) {
    keys_key from = {
        {HELPERS_CALLER,
         site->file,
         site->function,
         caller->file,
         caller->function,
         caller->line}};
    if (keys_row(&h->lines, &from, &is_new) == UINT32_MAX) return false;
    of->callers += is_new;
  }
  return true;
}

static bool helpers_is_one(const helper* h) {
  return !h->first && h->callers >= HELPERS_CALLERS &&
         h->callers >= HELPERS_RATIO * h->lines;
}

bool helpers_step_out(loader* l) {
  bool fine = true, moved = true;
  while (fine && moved) {
    helpers h = {.l = l};
    moved = false;
    for (uint32_t i = 0; i < l->stacks.n && fine; i++)
      if (l->stacks.at[i].site != MODEL_NONE)
        fine = helpers_count(&h, &l->stacks.at[i]);
    for (uint32_t i = 0; i < l->stacks.n && fine; i++) {
      model_stack* s = &l->stacks.at[i];
      if (s->site == MODEL_NONE) continue;
      helper* of = helpers_of(&h, &l->frames.at[s->site]);
      fine = of != NULL;
      uint32_t outside;
      if (!of || !helpers_is_one(of) || !helpers_caller(l, s, &outside))
        continue;
      s->site = outside;
      moved = true;
    }
    keys_free(&h.functions);
    keys_free(&h.lines);
    free(h.known.at);
  }
  return fine;
}
