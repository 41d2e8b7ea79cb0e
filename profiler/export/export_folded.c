/* Folded stacks, "outer;inner;innermost weight" a line, as flame graph tools
 * take them. The innermost frame is the operation or the trigger. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "keys.h"
#include "text.h"

/* Weights by stack and leaf. */
typedef struct folded {
  const model* m;
  keys keys;
  uint64_t* weights; /* beside the rows of keys */
  uint32_t room;
} folded;

/* `leaf`: a string of the model; `kind` tells leaves of different sorts apart.
 */
static bool folded_add(
    folded* f, uint32_t stack, uint32_t kind, uint32_t leaf, uint64_t weight) {
  bool is_new;
  keys_key key = {{stack, kind, leaf}};
  if (!weight) return true;
  uint32_t row = keys_row(&f->keys, &key, &is_new);
  if (row == UINT32_MAX) return false;
  if (row >= f->room) {
    uint32_t room = f->room ? f->room * 2 : 64;
    uint64_t* weights = realloc(f->weights, room * sizeof *weights);
    if (!weights) return false;
    f->weights = weights;
    f->room = room;
  }
  f->weights[row] = is_new ? weight : f->weights[row] + weight;
  return true;
}

/* A frame's name, without what separates frames and weights. */
static void folded_name(FILE* out, const char* text) {
  char room[512];
  for (text = text_utf8(room, sizeof room, text); *text; text++)
    fputc(*text == ';' ? ':' : (unsigned char)*text < ' ' ? '?' : *text, out);
}

static void folded_stack(FILE* out, const model* m, uint32_t stack) {
  if (stack == MODEL_NONE) {
    fputs("(not known);", out);
    return;
  }
  const model_stack* s = &m->stacks[stack];
  for (uint32_t i = s->count; i-- > 0;) {
    const model_frame* f = &m->frames[s->first + i];
    /* The runtime's own frames would be the same everywhere. */
    if (!f->user && s->site != MODEL_NONE && s->first + i < s->site) continue;
    folded_name(out, model_string(m, f->function));
    if (f->line) {
      fputs(" (", out);
      folded_name(out, text_base(model_string(m, f->file)));
      fprintf(out, ":%u)", f->line);
    }
    fputc(';', out);
  }
}

static const char* folded_leaf(const model* m, const keys_key* key) {
  return key->part[1] ? text_trigger((uint8_t)key->part[2])
                      : model_string(m, key->part[2]);
}

static int folded_write(folded* f, const export_job* job, bool enough) {
  FILE* out = enough ? export_open(job) : NULL;
  if (!enough) export_fail(job, "not enough memory");
  for (uint32_t i = 0; out && i < f->keys.n; i++) {
    const keys_key* key = &f->keys.at[i];
    const char* leaf = folded_leaf(f->m, key);
    folded_stack(out, f->m, key->part[0]);
    folded_name(out, *leaf ? leaf : "(data)");
    fprintf(out, " %" PRIu64 "\n", f->weights[i]);
  }
  keys_free(&f->keys);
  free(f->weights);
  return !out || export_close(job, out);
}

static uint64_t folded_ns(const model_kernel* k) {
  return k->end_ns == UINT64_MAX || k->begin_ns == UINT64_MAX
             ? 0
             : k->end_ns - k->begin_ns;
}

int export_folded_built(const export_job* job) {
  const model* m = job->m;
  folded f = {.m = m};
  bool enough = true;
  for (uint32_t i = 0; i < m->n_kernels; i++) {
    const model_kernel* k = &m->kernels[i];
    uint64_t ns = folded_ns(k);
    if (!k->n_nodes)
      enough = enough && folded_add(&f, MODEL_NONE, 0, k->name, ns);
    for (uint32_t j = 0; j < k->n_nodes && enough; j++) {
      uint32_t node = m->kernel_nodes[k->first_node + j];
      uint64_t share = ns * (j + 1) / k->n_nodes - ns * j / k->n_nodes;
      enough = folded_add(
          &f, model_node_stack(m, node), 0, m->nodes[node].op, share);
    }
  }
  return folded_write(&f, job, enough);
}

int export_folded_triggered(const export_job* job) {
  const model* m = job->m;
  folded f = {.m = m};
  bool enough = true;
  for (uint32_t i = 0; i < m->n_kernels && enough; i++) {
    const model_kernel* k = &m->kernels[i];
    const model_eval* e = k->eval == MODEL_NONE ? NULL : &m->evals[k->eval];
    enough = folded_add(
        &f, e ? e->stack : MODEL_NONE, 1, e ? e->trigger : 0, folded_ns(k));
  }
  return folded_write(&f, job, enough);
}

int export_folded_peak(const export_job* job) {
  model_peak peak;
  folded f = {.m = job->m};
  bool enough = !model_memory_peak(job->m, &peak);
  for (uint32_t i = 0; enough && i < peak.n_alive; i++)
    enough = folded_add(
        &f, peak.alive[i].stack, 0, peak.alive[i].op, peak.alive[i].bytes);
  if (enough) model_peak_free(&peak);
  return folded_write(&f, job, enough);
}
