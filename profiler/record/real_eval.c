/* Evaluations of MLX, and the waits of its callers. */
#include <stdlib.h>
#include <string.h>

#include "real.h"
#include "real_guard.h"
#include "record.h"

#define MANY 256     /* outputs kept on the stack */
#define WAIT_NS 1000 /* a wait shorter than this is none */

static _Atomic uint64_t last_eval;

/* What must be undone when the original returns or throws. */
typedef struct eval_scope {
  bool open;
  bool done; /* returned, not thrown */
  uint64_t outer;
  bool outer_async;
  uint32_t outer_nodes, outer_kernels;
  struct real_group* outer_group;
} eval_scope;

static void eval_close(void* scope) {
  eval_scope* s = scope;
  real_thread* self = &real_self;
  if (!s->open) return;
  real_kernel_drop();
  if (record_probe()->eval_end) {
    lazuli_probe_eval_end event = {
        .eval = self->eval,
        .nodes = self->eval_nodes,
        .kernels = self->eval_kernels,
        .failed = !s->done};
    record_probe()->eval_end(NULL, &event);
  }
  self->eval = s->outer;
  self->eval_async = s->outer_async;
  self->eval_nodes = s->outer_nodes;
  self->eval_kernels = s->outer_kernels;
  self->group = s->outer_group;
}

/* `outputs` is a std::vector<array>. Nothing to do, no evaluation: MLX returns,
 * or waits for what is on its way. */
static void eval_open(
    eval_scope* s, const char* const* outputs, uint8_t trigger, bool is_async) {
  real_thread* self = &real_self;
  uint64_t ids[MANY], *all = ids;
  size_t n = (size_t)(outputs[1] - outputs[0]) / 16;
  bool needed = real_at.status == REAL_NOWHERE;
  for (size_t i = 0; i < n && !needed; i++) {
    const void* desc = real_desc(outputs[0] + 16 * i);
    needed = desc && real_unscheduled(desc);
  }
  if (!needed || n == 0) return;
  s->outer = self->eval;
  s->outer_async = self->eval_async;
  s->outer_nodes = self->eval_nodes;
  s->outer_kernels = self->eval_kernels;
  s->outer_group = self->group;
  self->group = NULL;
  self->eval = atomic_fetch_add(&last_eval, 1) + 1;
  self->eval_async = is_async;
  self->eval_nodes = self->eval_kernels = 0;
  s->open = true;
  if (!record_probe()->eval_begin) return;
  if (n > MANY) all = malloc(n * sizeof *all);
  if (!all) all = ids, n = MANY;
  for (size_t i = 0; i < n; i++)
    all[i] = real_array_id(real_desc(outputs[0] + 16 * i));
  lazuli_probe_eval_begin event = {
      .eval = self->eval,
      .trigger = trigger,
      .is_async = is_async,
      .n_outputs = (uint32_t)n,
      .outputs = all};
  record_probe()->eval_begin(NULL, &event);
  if (all != ids) free(all);
}

/* eval(std::vector<array>) */
LAZULI_API void real_hook_eval(const char* const* outputs) __asm__(
    "_ZN3mlx4core4evalESt6vectorINS0_5arrayESaIS2_EE");
void real_hook_eval(const char* const* outputs) {
  eval_scope scope = {0};
  if (real_on() && real_can(REAL_EVALS)) {
    real_thread* self = &real_self;
    uint8_t trigger = self->hint ? self->hint : LAZULI_TRIGGER_EVAL;
    if (self->by_array)
      trigger = real_hint_trigger(self->by_address, self->by_desc);
    self->by_array = false;
    eval_open(&scope, outputs, trigger, false);
  }
  REAL_GUARDED(eval_close, &scope, eval, REAL_WORD(outputs));
  scope.done = true;
  eval_close(&scope);
}

/* async_eval(std::vector<array>) */
LAZULI_API void real_hook_async_eval(const char* const* outputs) __asm__(
    "_ZN3mlx4core10async_evalESt6vectorINS0_5arrayESaIS2_EE");
void real_hook_async_eval(const char* const* outputs) {
  eval_scope scope = {0};
  if (real_on() && real_can(REAL_EVALS))
    eval_open(&scope, outputs, LAZULI_TRIGGER_ASYNC_EVAL, true);
  REAL_GUARDED(eval_close, &scope, async_eval, REAL_WORD(outputs));
  scope.done = true;
  eval_close(&scope);
}

static void eval_lower(void* flag) {
  *(bool*)flag = false;
}

/* array::eval(): what item() and the like call. */
LAZULI_API void real_hook_array_eval(const void* self) __asm__(
    "_ZN3mlx4core5array4evalEv");
void real_hook_array_eval(const void* self) {
  if (real_on()) {
    real_self.by_array = true;
    real_self.by_address = __builtin_return_address(0);
    real_self.by_desc = real_desc(self);
  }
  REAL_GUARDED(eval_lower, &real_self.by_array, array_eval, REAL_WORD(self));
  real_self.by_array = false;
}

static void eval_waited(uint8_t reason, uint32_t stream, uint64_t begin) {
  uint64_t end = trace_now();
  if (end - begin < WAIT_NS || !record_probe()->wait) return;
  lazuli_probe_wait event = {
      .reason = reason,
      .stream = stream,
      .eval = real_self.eval,
      .begin_ns = begin,
      .end_ns = end};
  record_probe()->wait(NULL, &event);
}

/* array::wait() */
LAZULI_API void real_hook_array_wait(const void* self) __asm__(
    "_ZN3mlx4core5array4waitEv");
void real_hook_array_wait(const void* self) {
  bool on = real_on();
  uint64_t begin = on ? trace_now() : 0;
  REAL_CALL(array_wait, self, 0, 0, 0, 0, 0);
  if (on)
    eval_waited(
        real_self.eval ? LAZULI_WAIT_EVAL : LAZULI_WAIT_ARRAY, 0, begin);
}

/* synchronize(Stream) */
LAZULI_API void real_hook_synchronize(
    real_word stream,
    real_word device) __asm__("_ZN3mlx4core11synchronizeENS0_6StreamE");
void real_hook_synchronize(real_word stream, real_word device) {
  bool on = real_on();
  uint64_t begin = on ? trace_now() : 0;
  REAL_CALL(synchronize, stream, device, 0, 0, 0, 0);
  if (on) eval_waited(LAZULI_WAIT_SYNCHRONIZE, (uint32_t)stream, begin);
}
