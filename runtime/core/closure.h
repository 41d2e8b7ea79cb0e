/* Functions of arrays, as transformations see them.
 *
 * One object serves the six closure types of the interface: `call` reads the
 * members of closure_args that its kind has and appends to `out`. What it is
 * made of — a C function of the program, or what grad or compile made — only
 * its maker knows.
 *
 * Reference counts are atomic; a closure may be called by any thread that its
 * maker allows. */
#ifndef CORE_CLOSURE_H
#define CORE_CLOSURE_H

#include "core/list.h"
#include "core/map.h"
#include "core/vector.h"

typedef enum lz_closure_kind {
  CLOSURE_PLAIN,          /* in[0] → out[0] */
  CLOSURE_KWARGS,         /* in[0], kwargs → out[0] */
  CLOSURE_VALUE_AND_GRAD, /* in[0] → out[0] values, out[1] gradients */
  CLOSURE_CUSTOM,         /* in: primals, cotangents, outputs → out[0] */
  CLOSURE_CUSTOM_JVP,     /* in: primals, tangents; ints: argnums → out[0] */
  CLOSURE_CUSTOM_VMAP     /* in[0]; ints: axes → out[0], out_ints: axes */
} lz_closure_kind;

/* One call. Inputs are borrowed; outputs start empty and are the caller's,
 * also after a failure: closure_args_clear(). */
typedef struct closure_args {
  const lz_list* in[3];
  const lz_map* kwargs;
  const int* ints;
  size_t n_ints;
  lz_list out[2];
  lz_ints out_ints;
} closure_args;

typedef struct lz_closure lz_closure;
/* Non-zero with a message on failure. */
typedef int (*closure_fn)(lz_closure* self, closure_args* args);

struct lz_closure {
  _Atomic uint32_t refs;
  lz_closure_kind kind;
  uint64_t id; /* 1, 2, 3 …: identity of the function, never reused */
  closure_fn call;
  void* payload;
  void (*dtor)(void*);    /* may be NULL; runs once, with the last reference */
  void (*function)(void); /* the program's, of a type that `call` knows */
  bool takes_payload;     /* function's last parameter is the payload */
};

/* A closure of the library's own. One reference. On failure NULL with a
 * message, and dtor has run. */
lz_closure* closure_new(
    lz_closure_kind kind, closure_fn call, void* payload, void (*dtor)(void*));
lz_closure* closure_ref(lz_closure* c);
void closure_unref(lz_closure* c); /* takes NULL */

/* Calls it. Non-zero with a message on failure. */
int closure_call(lz_closure* c, closure_args* args);
void closure_args_clear(closure_args* args);

/* The same for the commonest kind: out must be empty, and is on failure. */
int closure_apply(lz_closure* c, const lz_list* in, lz_list* out);

#endif
