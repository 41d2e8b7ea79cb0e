/* Functions that MLX compiles: what a call found in the cache, what it missed
 * by, and what the fused kernels are made of.
 *
 * detail::compile() takes a function and returns one; both are std::functions.
 * The one taken is wrapped to see it being traced, the one returned to see it
 * being called. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlx/c/array.h"
#include "real.h"
#include "real_guard.h"
#include "real_signature.h"
#include "record.h"

#define NAME_ROOM 240

/* ---- Compiled primitives ------------------------------------------------ */

static bool compile_is_output(const void* desc, const char* const* outputs) {
  for (const char* o = outputs[0]; o < outputs[1]; o += 16)
    if (real_desc(o) == desc) return true;
  return false;
}

/* Names are kept for good: traces refer to them by address. The same chain has
 * the same name. */
static const char* compile_keep_name(const char* name) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static char** names;
  static size_t count, room;
  const char* kept = "Compiled";
  pthread_mutex_lock(&lock);
  size_t i = 0;
  while (i < count && strcmp(names[i], name) != 0) i++;
  if (i == count && count == room) {
    char** more = realloc(names, (2 * room + 64) * sizeof *names);
    if (more) names = more, room = 2 * room + 64;
  }
  if (i == count && count < room && (names[i] = strdup(name))) count++;
  if (i < count) kept = names[i];
  pthread_mutex_unlock(&lock);
  return kept;
}

static real_fusion* compile_read_tape(
    const char* const* tape, const char* const* outputs) {
  size_t n = (size_t)(tape[1] - tape[0]) / 16;
  char name[NAME_ROOM + 64] = "Compiled(";
  size_t used = strlen(name);
  bool cut = false;
  real_fusion* f = malloc(sizeof *f + n * sizeof f->nodes[0]);
  if (!f) return NULL;
  f->count = f->stack = 0;
  f->saved = 0;
  for (size_t i = 0; i < n; i++) {
    const void* desc = real_desc(tape[0] + 16 * i);
    const char* op = real_name(real_primitive(desc));
    f->stack = real_array_tell_traced(desc);
    f->nodes[f->count++] = real_array_id(desc);
    if (!compile_is_output(desc, outputs)) f->saved += 2 * real_bytes(desc);
    if (used + strlen(op) < NAME_ROOM)
      used += (size_t)snprintf(
          name + used, sizeof name - used, "%s%s", i ? "+" : "", op);
    else
      cut = true;
  }
  snprintf(name + used, sizeof name - used, "%s)", cut ? "+…" : "");
  f->name = compile_keep_name(name);
  return f;
}

/* Compiled::Compiled(Stream, inputs, outputs, tape, constant_ids) */
LAZULI_API void
real_hook_compiled(void* self, real_word stream, real_word device, void* inputs, const char* const* outputs, const char* const* tape, void* constants) __asm__(
    "_ZN3mlx4core8CompiledC1ENS0_6StreamESt6vectorINS0_5arrayESaIS4_EES6_S6"
    "_St13unordered_setImSt4hashImESt8equal_toImESaImEE");
void real_hook_compiled(
    void* self,
    real_word stream,
    real_word device,
    void* inputs,
    const char* const* outputs,
    const char* const* tape,
    void* constants) {
  typedef void (*constructor)(
      void*, real_word, real_word, void*, const void*, const void*, void*);
  real_fusion* f = NULL;
  /* Before the original: it moves the vectors away. */
  if (real_on() && real_can(REAL_NODES)) f = compile_read_tape(tape, outputs);
  if (!real_original.compiled) real_need(&real_original.compiled, "Compiled");
  constructor original;
  memcpy(&original, &real_original.compiled, sizeof original);
  original(self, stream, device, inputs, outputs, tape, constants);
  /* An older one at this address has gone; kernels under way may still use it,
   * so it is not freed. */
  if (f) real_map_put(&real_fusions, self, (real_entry){.id = (uintptr_t)f});
}

/* ---- calls -------------------------------------------------------------- */

typedef struct compile_function {
  _Alignas(8) char object[16];
  bool (*manage)(void* to, const void* from, int operation);
  void* (*invoke)(void* result, void* object, const char* const* inputs);
} compile_function;
enum { TELL_TYPE, TELL_OBJECT, COPY, DESTROY };

/* What both wrappers hold; the std::function's object is a pointer to it. */
typedef struct compile_wrapper {
  _Atomic uint32_t references;
  compile_function original;
  uint64_t function;
  size_t n_constants;
  uint64_t constants[];
} compile_wrapper;

static bool compile_manage(void* to, const void* from, int operation) {
  compile_wrapper* w;
  switch (operation) {
    case TELL_TYPE:
      *(void**)to = NULL;
      break;
    case TELL_OBJECT:
      *(const void**)to = from;
      break;
    case COPY:
      memcpy(&w, from, sizeof w);
      atomic_fetch_add(&w->references, 1);
      memcpy(to, &w, sizeof w);
      break;
    case DESTROY:
      memcpy(&w, to, sizeof w);
      if (atomic_fetch_sub(&w->references, 1) != 1) break;
      if (w->original.manage)
        w->original.manage(&w->original, &w->original, DESTROY);
      free(w);
  }
  return false;
}

/* Moves `f` into a wrapper and puts the wrapper in its place. */
static bool compile_wrap(
    compile_function* f,
    void* (*invoke)(void*, void*, const char* const*),
    uint64_t function,
    const uint64_t* const* constants) {
  size_t n = (size_t)(constants[1] - constants[0]);
  if (!f->manage) return false;
  compile_wrapper* w = malloc(sizeof *w + n * sizeof w->constants[0]);
  if (!w) return false;
  atomic_init(&w->references, 1);
  w->original = *f;
  w->function = function;
  w->n_constants = n;
  if (n) memcpy(w->constants, constants[0], n * sizeof w->constants[0]);
  memcpy(f->object, &w, sizeof w);
  f->manage = compile_manage;
  f->invoke = invoke;
  return true;
}

/* A node built while compiling; its outputs follow each other. */
typedef struct compile_node {
  const void* desc;
  uint64_t id;
  uint32_t count; /* of the node's outputs; 0 at all but the first */
  bool real;      /* the result is computed from it */
} compile_node;

/* The call under way on this thread. */
typedef struct compile_state {
  const char* const* inputs; /* those of the caller */
  bool called; /* the function was called with them: nothing was compiled */
  bool traced; /* … with others: it was traced */
  uint32_t nodes;
  compile_node* built; /* by ascending id */
  size_t n_built, room;
} compile_state;
static __thread compile_state compile_call
    __attribute__((tls_model("initial-exec")));

bool real_compile_defer(const char* arrays, size_t count, uint64_t id) {
  compile_state* c = &compile_call;
  if (!real_self.compiling || !c->traced) return false;
  while (c->n_built + count > c->room) {
    size_t room = 2 * c->room + 256;
    compile_node* more = realloc(c->built, room * sizeof *more);
    if (!more) return false;
    c->built = more;
    c->room = room;
  }
  for (size_t i = 0; i < count; i++)
    c->built[c->n_built++] = (compile_node){
        .desc = real_desc(arrays + 16 * i),
        .id = id + i,
        .count = i ? 0 : (uint32_t)count};
  return true;
}

/* The node, by its id, if it was built in this call and is still alive. */
static compile_node* compile_find(const void* desc) {
  compile_state* c = &compile_call;
  real_entry entry;
  if (!desc || !real_map_find(&real_arrays, desc, &entry)) return NULL;
  size_t low = 0, high = c->n_built;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c->built[middle].id < entry.id)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == c->n_built || c->built[low].id != entry.id) return NULL;
  while (c->built[low].count == 0 && low > 0) low--;
  return &c->built[low];
}

/* What the result is computed from was built for it; all else are patterns. */
static void compile_promote(const char* const* result) {
  compile_state* c = &compile_call;
  size_t depth = 0;
  const void** todo = malloc((c->n_built + 1) * sizeof *todo);
  if (!todo || c->n_built == 0) {
    free(todo);
    return;
  }
  for (const char* o = result[0]; o < result[1]; o += 16) {
    compile_node* n = compile_find(real_desc(o));
    if (!n || n->real) continue;
    n->real = true;
    todo[depth++] = n->desc;
    while (depth) {
      size_t count;
      const char* in = real_inputs(todo[--depth], &count);
      for (size_t i = 0; i < count; i++) {
        compile_node* from = compile_find(real_desc(in + 16 * i));
        if (!from || from->real) continue;
        from->real = true;
        todo[depth++] = from->desc;
      }
    }
  }
  for (size_t i = 0; i < c->n_built; i++) {
    compile_node* n = &c->built[i];
    const void* descs[64];
    if (!n->count || !n->real) continue;
    for (uint32_t k = 0; k < n->count && k < 64; k++) descs[k] = n[k].desc;
    real_array_promote(descs, n->count < 64 ? n->count : 64);
  }
  free(todo);
}

static void compile_uncount(void* counter) {
  (*(uint32_t*)counter)--;
}

static void* compile_call_original(
    void (*undo)(void*),
    void* scope,
    compile_wrapper* w,
    void* result,
    const char* const* inputs) {
  real_function invoke;
  memcpy(&invoke, &w->original.invoke, sizeof invoke);
  return (void*)(uintptr_t)real_guarded(
      &(real_guard){.undo = undo, .scope = scope},
      invoke,
      (const real_word[6]){
          REAL_WORD(result), REAL_WORD(&w->original), REAL_WORD(inputs)});
}

static void* compile_invoke_inner(
    void* result, void* object, const char* const* inputs) {
  compile_wrapper* w;
  memcpy(&w, object, sizeof w);
  if (inputs == compile_call.inputs) {
    compile_call.called = true;
    return w->original.invoke(result, &w->original, inputs);
  }
  uint32_t before = real_self.traced_nodes;
  compile_call.traced = true;
  real_self.tracing++;
  void* answer = compile_call_original(
      compile_uncount, &real_self.tracing, w, result, inputs);
  real_self.tracing--;
  compile_call.nodes = real_self.traced_nodes - before;
  return answer;
}

static void compile_tell(
    const compile_wrapper* w, const char* const* inputs, uint64_t begin) {
  char detail[256] = "";
  uint32_t changed = 0;
  if (compile_call.traced) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const void* key = (const void*)(uintptr_t)(w->function | 1);
    real_signature* now = calloc(1, sizeof *now);
    real_entry entry;
    if (!now) return;
    real_signature_take(now, inputs, w->constants, w->n_constants);
    pthread_mutex_lock(&lock);
    if (real_map_take(&real_compiles, key, &entry)) {
      real_signature* was = (real_signature*)(uintptr_t)entry.id;
      changed = real_signature_compare(now, was, detail, sizeof detail);
      free(was);
    } else {
      changed = LAZULI_COMPILE_FIRST;
    }
    real_map_put(&real_compiles, key, (real_entry){.id = (uintptr_t)now});
    pthread_mutex_unlock(&lock);
  }
  lazuli_probe_compile event = {
      .function = w->function,
      .hit = !compile_call.traced,
      .changed = changed,
      .detail = detail,
      .nodes = compile_call.traced ? compile_call.nodes : 0,
      .trace_ns = compile_call.traced ? trace_now() - begin : 0};
  record_probe()->compile(NULL, &event);
}

static void compile_leave(void* outer) {
  real_self.compiling--;
  free(compile_call.built);
  compile_call = *(compile_state*)outer;
}

static void* compile_invoke_outer(
    void* result, void* object, const char* const* inputs) {
  compile_wrapper* w;
  memcpy(&w, object, sizeof w);
  compile_state outer = compile_call;
  compile_call = (compile_state){.inputs = inputs};
  real_self.compiling++;
  uint64_t begin = trace_now();
  void* answer =
      compile_call_original(compile_leave, &outer, w, result, inputs);
  if (compile_call.traced) compile_promote(result);
  if (!compile_call.called && real_on() && record_probe()->compile)
    compile_tell(w, inputs, begin);
  compile_leave(&outer);
  return answer;
}

static __thread uint32_t compile_making
    __attribute__((tls_model("initial-exec")));

/* detail::compile(function, id, shapeless, constants); one of them calls the
 * other: only the outer one is watched. */
#define COMPILE_HOOK(id, mangled)                                            \
  LAZULI_API void* real_hook_##id(                                           \
      compile_function* result,                                              \
      compile_function* function,                                            \
      real_word key,                                                         \
      real_word shapeless,                                                   \
      const uint64_t* const* constants) __asm__(mangled);                    \
  void* real_hook_##id(                                                      \
      compile_function* result,                                              \
      compile_function* function,                                            \
      real_word key,                                                         \
      real_word shapeless,                                                   \
      const uint64_t* const* constants) {                                    \
    bool on = compile_making == 0 && real_on() && real_can(REAL_COMPILED) && \
              compile_wrap(function, compile_invoke_inner, key, constants);  \
    /* As it is before the original takes it. */                             \
    compile_wrapper* inner = NULL;                                           \
    if (on) memcpy(&inner, function->object, sizeof inner);                  \
    if (inner) atomic_fetch_add(&inner->references, 1);                      \
    compile_making++;                                                        \
    REAL_GUARDED(                                                            \
        compile_uncount,                                                     \
        &compile_making,                                                     \
        id,                                                                  \
        REAL_WORD(result),                                                   \
        REAL_WORD(function),                                                 \
        key,                                                                 \
        shapeless,                                                           \
        REAL_WORD(constants));                                               \
    compile_making--;                                                        \
    if (inner) compile_watch(result, inner);                                 \
    return result;                                                           \
  }
static void compile_watch(compile_function* result, compile_wrapper* inner) {
  const uint64_t* constants[2] = {
      inner->constants, inner->constants + inner->n_constants};
  compile_wrap(result, compile_invoke_outer, inner->function, constants);
  compile_manage(&inner, NULL, DESTROY);
}
COMPILE_HOOK(
    compile,
    "_ZN3mlx4core6detail7compileESt8functionIFSt6vectorINS0_5arrayESaIS4_EERKS6"
    "_EEmbS3_ImSaImEE")
COMPILE_HOOK(
    compile_extra,
    "_ZN3mlx4core6detail7compileESt8functionIFSt4pairISt6vectorINS0_5arrayESaIS"
    "5_EESt10shared_ptrIvEERKS7_EEmbS4_ImSaImEE")

/* detail::compile_erase(id): the id may come again for another function. */
LAZULI_API void real_hook_compile_erase(real_word function) __asm__(
    "_ZN3mlx4core6detail13compile_eraseEm");
void real_hook_compile_erase(real_word function) {
  real_entry entry;
  if (real_map_take(
          &real_compiles, (const void*)(uintptr_t)(function | 1), &entry))
    free((void*)(uintptr_t)entry.id);
  REAL_CALL(compile_erase, function, 0, 0, 0, 0, 0);
}
