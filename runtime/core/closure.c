#include "core/closure.h"

#include <stdlib.h>

#include "core/error.h"

lz_closure* closure_new(
    lz_closure_kind kind, closure_fn call, void* payload, void (*dtor)(void*)) {
  static _Atomic uint64_t last;
  lz_closure* c = malloc(sizeof *c);
  if (!c) {
    if (dtor) dtor(payload);
    return error_memory();
  }
  *c = (lz_closure){
      .kind = kind,
      .id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1,
      .call = call,
      .payload = payload,
      .dtor = dtor};
  atomic_init(&c->refs, 1);
  return c;
}

lz_closure* closure_ref(lz_closure* c) {
  atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
  return c;
}

void closure_unref(lz_closure* c) {
  if (!c) return;
  if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
  if (c->dtor) c->dtor(c->payload);
  free(c);
}

int closure_call(lz_closure* c, closure_args* args) {
  closure_ref(c); /* the function may free the handle it was called through */
  int failed = c->call(c, args);
  closure_unref(c);
  return failed;
}

void closure_args_clear(closure_args* args) {
  list_clear(&args->out[0]);
  list_clear(&args->out[1]);
  ints_clear(&args->out_ints);
}

int closure_apply(lz_closure* c, const lz_list* in, lz_list* out) {
  closure_args args = {.in = {in}};
  int failed = closure_call(c, &args);
  if (!failed) {
    *out = args.out[0];
    args.out[0] = (lz_list){0};
  }
  closure_args_clear(&args);
  return failed;
}
