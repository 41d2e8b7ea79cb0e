#include "figures.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "trace_arg.h"

const figures_kind figures_kinds[FIGURES_COUNT] = {
#define FIGURE(name, unit, steady, text) \
  {#name, text, FIGURES_UNIT_##unit, steady},
#include "figures.def"
#undef FIGURE
};

static void figures_compute(figures* f) {
  const model* m = f->m;
  const summary* s = f->s;
  uint64_t* at = f->at;
  at[FIGURES_evals] = m->n_evals;
  at[FIGURES_nodes] = m->n_nodes;
  at[FIGURES_kernels] = s->ran;
  at[FIGURES_findings] = f->found.n;
  at[FIGURES_unfused] = s->bytes_refused;
  at[FIGURES_eval_time] = s->eval_ns;
  at[FIGURES_kernel_time] = s->kernel_ns;
  for (uint32_t i = 0; i < s->n_compiles; i++)
    at[FIGURES_recompiles] +=
        s->compiles[i].misses ? s->compiles[i].misses - 1 : 0;
  for (uint32_t i = 0; i < s->n_kernels; i++)
    at[FIGURES_moved] += s->kernels[i].bytes_read + s->kernels[i].bytes_written;
  for (uint32_t i = 0; i < s->n_waits; i++)
    at[FIGURES_wait_time] += s->waits[i].total_ns;
  for (uint32_t i = 0; i < m->n_memory; i++) {
    if (m->memory[i].active > at[FIGURES_peak])
      at[FIGURES_peak] = m->memory[i].active;
    if (m->memory[i].cache > at[FIGURES_cached])
      at[FIGURES_cached] = m->memory[i].cache;
  }
}

int figures_load(figures* f, const char* command, const char* path) {
  memset(f, 0, sizeof *f);
  f->m = trace_arg_load(command, path);
  if (!f->m) return CLI_FAILED;
  f->s = summary_new(f->m);
  if (f->s && !rules_find(f->m, f->s, &f->found)) {
    figures_compute(f);
    return CLI_OK;
  }
  cli_complain(command, "%s: not enough memory", path);
  figures_done(f, command);
  return CLI_FAILED;
}

int figures_done(figures* f, const char* command) {
  rules_free(&f->found);
  summary_free(f->s);
  return f->m ? trace_arg_done(command, f->m) : CLI_OK;
}

char* figures_text(char out[TEXT_SIZE], figures_id id, uint64_t value) {
  switch (figures_kinds[id].unit) {
    case FIGURES_UNIT_BYTES:
      return text_bytes(out, value);
    case FIGURES_UNIT_NS:
      return text_ns(out, value);
    case FIGURES_UNIT_COUNT:
      break;
  }
  return text_count(out, value);
}

/* ---- limits ------------------------------------------------------------- */

static const struct {
  const char* name;
  figures_unit unit;
  double factor;
} figures_units[] = {
    {"", FIGURES_UNIT_COUNT, 1},
    {"", FIGURES_UNIT_BYTES, 1},
    {"B", FIGURES_UNIT_BYTES, 1},
    {"kB", FIGURES_UNIT_BYTES, 1e3},
    {"MB", FIGURES_UNIT_BYTES, 1e6},
    {"GB", FIGURES_UNIT_BYTES, 1e9},
    {"KiB", FIGURES_UNIT_BYTES, 0x1p10},
    {"MiB", FIGURES_UNIT_BYTES, 0x1p20},
    {"GiB", FIGURES_UNIT_BYTES, 0x1p30},
    {"TiB", FIGURES_UNIT_BYTES, 0x1p40},
    {"", FIGURES_UNIT_NS, 1},
    {"ns", FIGURES_UNIT_NS, 1},
    {"us", FIGURES_UNIT_NS, 1e3},
    {"µs", FIGURES_UNIT_NS, 1e3},
    {"ms", FIGURES_UNIT_NS, 1e6},
    {"s", FIGURES_UNIT_NS, 1e9},
};

static const char* figures_blank(const char* at) {
  while (isspace((unsigned char)*at)) at++;
  return at;
}

/* How many characters a word has that ends where blanks may follow. */
static size_t figures_word(const char* at) {
  size_t n = strlen(at);
  while (n && isspace((unsigned char)at[n - 1])) n--;
  return n;
}

static bool figures_value(figures_limit* limit, const char* at) {
  char* end;
  double number = strtod(at, &end);
  if (end == at || !(number >= 0) || !isfinite(number)) return false;
  at = figures_blank(end);
  size_t n = figures_word(at);
  for (size_t i = 0; i < sizeof figures_units / sizeof *figures_units; i++)
    if (figures_units[i].unit == figures_kinds[limit->id].unit &&
        strlen(figures_units[i].name) == n &&
        !memcmp(figures_units[i].name, at, n)) {
      double value = number * figures_units[i].factor;
      limit->value = value < 0x1p63 ? (uint64_t)value : UINT64_MAX;
      return true;
    }
  return false;
}

bool figures_parse(
    figures_limit* limit, const char* text, char* error, size_t size) {
  const char* at = figures_blank(text);
  size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
  int id = 0;
  while (id < FIGURES_COUNT && (strlen(figures_kinds[id].name) != n ||
                                memcmp(figures_kinds[id].name, at, n) != 0))
    id++;
  if (id == FIGURES_COUNT) {
    snprintf(error, size, "'%s' begins with the name of no figure", text);
    return false;
  }
  limit->id = (figures_id)id;
  at = figures_blank(at + n);
  limit->equal = *at == '=';
  if (!limit->equal && strncmp(at, "<=", 2) != 0) {
    snprintf(error, size, "'%s': '<=' or '=' must follow the name", text);
    return false;
  }
  if (figures_value(limit, figures_blank(at + (limit->equal ? 1 : 2))))
    return true;
  snprintf(
      error, size, "'%s': no number of this figure's unit stands there", text);
  return false;
}

bool figures_hold(const figures* f, figures_limit limit) {
  uint64_t is = f->at[limit.id];
  return limit.equal ? is == limit.value : is <= limit.value;
}
