#include "cpu/program.h"

#include <string.h>

#define REGISTERS_BEFORE (PROGRAM_MAX_INPUTS + PROGRAM_MAX_INSTRS)

enum { NEVER = -1 };

/* What is known of each single-assignment register while finishing. */
typedef struct finish_state {
  uint8_t dtype[REGISTERS_BEFORE];
  uint8_t written[REGISTERS_BEFORE];
  int last_use[REGISTERS_BEFORE];
  uint16_t slot[REGISTERS_BEFORE];
  uint16_t free[PROGRAM_MAX_REGISTERS];
  int n_free, n_slots;
} finish_state;

static bool is_pseudo(int op) {
  return op >= EW_COUNT;
}

static lz_dtype result_dtype(const lz_instr* in) {
  switch (is_pseudo(in->op) ? EW_RULE_CAST : ew_rule_of(in->op)) {
    case EW_RULE_CAST:
      return in->out_dtype;
    case EW_RULE_FROM_BYTE:
      return in->dtype;
    default:
      return ew_output_dtype(in->op, in->dtype);
  }
}

static lz_dtype operand_dtype(const lz_instr* in, int k) {
  ew_rule rule = ew_rule_of(in->op);
  if (rule == EW_RULE_SELECT && k == 0) return DTYPE_BOOL;
  if (rule == EW_RULE_FROM_BYTE) return DTYPE_UINT8;
  return in->dtype;
}

static enum program_error check_instr(
    finish_state* f, lz_instr* in, int n_registers) {
  if (in->op >= EW_ALL || in->dtype >= DTYPE_COUNT ||
      in->out_dtype >= DTYPE_COUNT || in->dst >= n_registers ||
      f->written[in->dst])
    return PROGRAM_MALFORMED;
  if (in->op == EW_IOTA && in->dtype == DTYPE_BOOL) return PROGRAM_UNSUPPORTED;
  if (!is_pseudo(in->op) && !ew_supported(in->op, in->dtype))
    return PROGRAM_UNSUPPORTED;
  if (result_dtype(in) != in->out_dtype) return PROGRAM_MALFORMED;
  for (int k = 0; k < ew_arity(in->op); k++)
    if (in->src[k] >= n_registers || !f->written[in->src[k]] ||
        f->dtype[in->src[k]] != operand_dtype(in, k))
      return PROGRAM_MALFORMED;
  f->dtype[in->dst] = in->out_dtype;
  f->written[in->dst] = 1;
  return PROGRAM_OK;
}

static int take_slot(finish_state* f) {
  if (f->n_free) return f->free[--f->n_free];
  return f->n_slots < PROGRAM_MAX_REGISTERS ? f->n_slots++ : NEVER;
}

/* Frees the temporaries that instruction i reads for the last time; those whose
 * elements are (or are not) as wide as the result's. A result may take the
 * place of an operand of its own width: kernels work in place. */
static void free_dead(
    finish_state* f, const lz_instr* in, int i, int first, bool same_width) {
  for (int k = 0; k < ew_arity(in->op); k++) {
    int r = in->src[k];
    bool same = dtype_size(f->dtype[r]) == dtype_size(in->out_dtype);
    if (f->last_use[r] != i || same != same_width || f->slot[r] < first)
      continue;
    f->last_use[r] = NEVER; /* once, even if it is read twice */
    f->free[f->n_free++] = f->slot[r];
  }
}

static void clear_unread(lz_program* p, int slot) {
  if (slot < p->n_inputs) p->unread &= ~(UINT64_C(1) << slot);
}

static enum program_error give_slots(
    finish_state* f, lz_program* p, lz_instr* instrs, uint16_t* outputs) {
  int n_before = p->n_inputs + p->n_instrs;
  for (int r = 0; r < n_before; r++) {
    f->last_use[r] = NEVER;
    f->slot[r] = r < p->n_inputs ? (uint16_t)r : UINT16_MAX;
  }
  for (int i = 0; i < p->n_instrs; i++)
    for (int k = 0; k < ew_arity(instrs[i].op); k++)
      f->last_use[instrs[i].src[k]] = i;
  /* Outputs have registers of their own, which tiles bind to memory. */
  f->n_slots = p->n_inputs;
  for (int o = 0; o < p->n_outputs; o++) {
    f->last_use[outputs[o]] = p->n_instrs;
    if (f->slot[outputs[o]] == UINT16_MAX)
      f->slot[outputs[o]] = (uint16_t)f->n_slots++;
  }
  int first = p->n_bound = f->n_slots;
  f->n_free = 0;
  for (int i = 0; i < p->n_instrs; i++) {
    lz_instr* in = &instrs[i];
    /* A constant is filled once for all tiles, so its register is its own. */
    bool keep = in->op == EW_CONST;
    if (keep && f->last_use[in->dst] != NEVER)
      f->last_use[in->dst] = p->n_instrs;
    free_dead(f, in, i, first, true);
    if (f->slot[in->dst] == UINT16_MAX) {
      int slot = keep && f->n_slots < PROGRAM_MAX_REGISTERS ? f->n_slots++
                                                            : take_slot(f);
      if (slot == NEVER) return PROGRAM_TOO_LARGE;
      f->slot[in->dst] = (uint16_t)slot;
    }
    free_dead(f, in, i, first, false);
    /* Unused results: the next instruction may have the place. */
    if (f->last_use[in->dst] == NEVER) f->free[f->n_free++] = f->slot[in->dst];
  }
  for (int i = 0; i < p->n_instrs; i++) {
    lz_instr* in = &instrs[i];
    in->dst = f->slot[in->dst];
    if (is_pseudo(in->op)) continue;
    int arity = ew_arity(in->op), unread = ew_unread(in->op, in->dtype);
    for (int k = 0; k < 3; k++)
      in->src[k] =
          k < arity && !(unread >> k & 1) ? f->slot[in->src[k]] : in->dst;
  }
  for (int o = 0; o < p->n_outputs; o++) outputs[o] = f->slot[outputs[o]];
  p->n_registers = f->n_slots;
  p->unread = UINT64_MAX;
  for (int o = 0; o < p->n_outputs; o++) clear_unread(p, outputs[o]);
  for (int i = 0; i < p->n_instrs; i++)
    for (int k = 0; k < ew_arity(instrs[i].op); k++)
      clear_unread(p, instrs[i].src[k]);
  return PROGRAM_OK;
}

enum program_error program_finish(
    lz_program* p,
    const uint8_t* input_dtypes,
    lz_instr* instrs,
    uint16_t* outputs) {
  if (p->n_inputs < 0 || p->n_outputs < 1 || p->n_instrs < 0)
    return PROGRAM_MALFORMED;
  if (p->n_inputs > PROGRAM_MAX_INPUTS || p->n_outputs > PROGRAM_MAX_OUTPUTS ||
      p->n_instrs > PROGRAM_MAX_INSTRS)
    return PROGRAM_TOO_LARGE;
  finish_state f;
  int n_registers = p->n_inputs + p->n_instrs;
  memset(f.written, 0, (size_t)n_registers);
  p->cost = p->n_inputs + p->n_outputs;
  p->max_size = 1;
  for (int r = 0; r < p->n_inputs; r++) {
    if (input_dtypes[r] >= DTYPE_COUNT) return PROGRAM_MALFORMED;
    f.dtype[r] = input_dtypes[r];
    f.written[r] = 1;
    int size = (int)dtype_size(input_dtypes[r]);
    if (size > p->max_size) p->max_size = size;
  }
  for (int i = 0; i < p->n_instrs; i++) {
    enum program_error error = check_instr(&f, &instrs[i], n_registers);
    if (error) return error;
    p->cost += ew_cost(instrs[i].op);
    int size = (int)dtype_size(instrs[i].out_dtype);
    if (size > p->max_size) p->max_size = size;
  }
  for (int o = 0; o < p->n_outputs; o++)
    if (outputs[o] >= n_registers || !f.written[outputs[o]])
      return PROGRAM_MALFORMED;
  return give_slots(&f, p, instrs, outputs);
}

lz_immediate program_const(lz_dtype d, const void* element) {
  lz_immediate m;
  memset(&m, 0, sizeof m);
  memcpy(m.value.bytes, element, dtype_size(d));
  return m;
}

lz_immediate program_iota(lz_dtype d, double start, double step) {
  char first[8], second[8];
  dtype_store(d, first, start);
  dtype_store(d, second, start + step);
  lz_immediate m;
  if (!dtype_is_integer(d)) {
    m.value.f = dtype_load(d, first);
    m.step.f = dtype_load(d, second) - m.value.f;
    return m;
  }
  /* Only the low bits matter: tiles count modulo the width. */
  uint64_t a = 0, b = 0;
  memcpy(&a, first, dtype_size(d));
  memcpy(&b, second, dtype_size(d));
  m.value.i = (int64_t)a;
  m.step.i = (int64_t)(b - a);
  return m;
}
