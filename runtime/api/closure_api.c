/* The closures of the interface: functions of the program, with or without a
 * payload. Each kind has an adaptor that turns closure_args into the handles
 * that the function takes, and its results back. */
#include <stdlib.h>

#include "api/api.h"
#include "api/closure.h"

/* ---- handles ------------------------------------------------------------- */

lz_closure* api_closure(void* ctx, const char* argument) {
  if (ctx) return ((closure_handle*)ctx)->closure;
  return api_refuse(argument, "the closure is empty");
}

int api_closure_set(void** ctx, lz_closure* c) {
  if (!c) return 1;
  if (*ctx) {
    closure_handle* h = *ctx;
    lz_closure* old = h->closure;
    h->closure = c;
    closure_unref(old);
    return 0;
  }
  closure_handle* h = malloc(sizeof *h);
  if (!h) {
    closure_unref(c);
    return error_memory() == NULL;
  }
  h->closure = c;
  *ctx = h;
  return 0;
}

/* ---- handles for one call ------------------------------------------------ */

/* Copies: the function may do with its vectors what it likes. */
static int closure_give(mlx_vector_array* to, const lz_list* from) {
  lz_list copy = {0};
  if (from && list_copy(&copy, from)) return 1;
  return api_vector_set(to, &copy);
}

static int closure_give_map(mlx_map_string_to_array* to, const lz_map* from) {
  lz_map copy = {0};
  if (from && map_copy(&copy, from)) return 1;
  return api_map_set(&to->ctx, &copy);
}

/* Appends what the function left in its result. */
static int closure_take(
    const lz_closure* self, lz_list* to, mlx_vector_array from) {
  if (!from.ctx)
    return error_fail(
        "[closure %llu] the function returned 0 and no result",
        (unsigned long long)self->id);
  const lz_list* list = from.ctx;
  for (size_t i = 0; i < list->count; i++)
    if (list_append(to, list->items[i])) return 1;
  return 0;
}

static int closure_status(const lz_closure* self, int status) {
  if (status == 0) return 0;
  return error_fail(
      "[closure %llu] the function returned %d",
      (unsigned long long)self->id,
      status);
}

/* Calls the function as type FN, or FN_P with the payload at the end. */
#define CLOSURE_CALL(self, FN, FN_P, ...)                       \
  ((self)->takes_payload                                        \
       ? ((FN_P)(self)->function)(__VA_ARGS__, (self)->payload) \
       : ((FN)(self)->function)(__VA_ARGS__))

/* ---- adaptors ------------------------------------------------------------ */

typedef mlx_vector_array vec;

typedef int (*plain_fn)(vec*, const vec);
typedef int (*plain_fn_p)(vec*, const vec, void*);

static int closure_call_plain(lz_closure* self, closure_args* x) {
  vec in = {0}, res = {0};
  int failed = closure_give(&in, x->in[0]) ||
               closure_status(
                   self, CLOSURE_CALL(self, plain_fn, plain_fn_p, &res, in)) ||
               closure_take(self, &x->out[0], res);
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  return failed;
}

typedef int (*unary_fn)(mlx_array*, const mlx_array);

static int closure_call_unary(lz_closure* self, closure_args* x) {
  if (x->in[0]->count != 1)
    return error_fail(
        "[closure %llu] a unary function called with %zu arrays",
        (unsigned long long)self->id,
        x->in[0]->count);
  mlx_array in = api_handle_new(array_ref(x->in[0]->items[0])), res = {0};
  int failed =
      !in.ctx || closure_status(self, ((unary_fn)self->function)(&res, in));
  if (!failed && !res.ctx)
    failed = error_fail(
        "[closure %llu] the function returned 0 and no result",
        (unsigned long long)self->id);
  if (!failed) failed = list_append(&x->out[0], ((lz_handle*)res.ctx)->array);
  mlx_array_free(in);
  mlx_array_free(res);
  return failed;
}

typedef int (*kwargs_fn)(vec*, const vec, const mlx_map_string_to_array);
typedef int (*kwargs_fn_p)(
    vec*, const vec, const mlx_map_string_to_array, void*);

static int closure_call_kwargs(lz_closure* self, closure_args* x) {
  vec in = {0}, res = {0};
  mlx_map_string_to_array map = {0};
  int failed =
      closure_give(&in, x->in[0]) || closure_give_map(&map, x->kwargs) ||
      closure_status(
          self, CLOSURE_CALL(self, kwargs_fn, kwargs_fn_p, &res, in, map)) ||
      closure_take(self, &x->out[0], res);
  mlx_vector_array_free(in);
  mlx_map_string_to_array_free(map);
  mlx_vector_array_free(res);
  return failed;
}

typedef int (*value_and_grad_fn)(vec*, vec*, const vec);
typedef int (*value_and_grad_fn_p)(vec*, vec*, const vec, void*);

static int closure_call_value_and_grad(lz_closure* self, closure_args* x) {
  vec in = {0}, values = {0}, grads = {0};
  int failed = closure_give(&in, x->in[0]) ||
               closure_status(
                   self,
                   CLOSURE_CALL(
                       self,
                       value_and_grad_fn,
                       value_and_grad_fn_p,
                       &values,
                       &grads,
                       in)) ||
               closure_take(self, &x->out[0], values) ||
               closure_take(self, &x->out[1], grads);
  mlx_vector_array_free(in);
  mlx_vector_array_free(values);
  mlx_vector_array_free(grads);
  return failed;
}

typedef int (*custom_fn)(vec*, const vec, const vec, const vec);
typedef int (*custom_fn_p)(vec*, const vec, const vec, const vec, void*);

static int closure_call_custom(lz_closure* self, closure_args* x) {
  vec in[3] = {{0}, {0}, {0}}, res = {0};
  int failed =
      closure_give(&in[0], x->in[0]) || closure_give(&in[1], x->in[1]) ||
      closure_give(&in[2], x->in[2]) ||
      closure_status(
          self,
          CLOSURE_CALL(
              self, custom_fn, custom_fn_p, &res, in[0], in[1], in[2])) ||
      closure_take(self, &x->out[0], res);
  for (int i = 0; i < 3; i++) mlx_vector_array_free(in[i]);
  mlx_vector_array_free(res);
  return failed;
}

typedef int (*custom_jvp_fn)(vec*, const vec, const vec, const int*, size_t);
typedef int (*custom_jvp_fn_p)(
    vec*, const vec, const vec, const int*, size_t, void*);

static int closure_call_custom_jvp(lz_closure* self, closure_args* x) {
  vec in[2] = {{0}, {0}}, res = {0};
  int failed = closure_give(&in[0], x->in[0]) ||
               closure_give(&in[1], x->in[1]) ||
               closure_status(
                   self,
                   CLOSURE_CALL(
                       self,
                       custom_jvp_fn,
                       custom_jvp_fn_p,
                       &res,
                       in[0],
                       in[1],
                       x->ints,
                       x->n_ints)) ||
               closure_take(self, &x->out[0], res);
  mlx_vector_array_free(in[0]);
  mlx_vector_array_free(in[1]);
  mlx_vector_array_free(res);
  return failed;
}

typedef int (*custom_vmap_fn)(
    vec*, mlx_vector_int*, const vec, const int*, size_t);
typedef int (*custom_vmap_fn_p)(
    vec*, mlx_vector_int*, const vec, const int*, size_t, void*);

static int closure_take_ints(
    const lz_closure* self, lz_ints* to, mlx_vector_int from) {
  if (!from.ctx)
    return error_fail(
        "[closure %llu] the function returned 0 and no axes",
        (unsigned long long)self->id);
  const lz_ints* v = from.ctx;
  for (size_t i = 0; i < v->count; i++)
    if (ints_append(to, v->items[i])) return 1;
  return 0;
}

static int closure_call_custom_vmap(lz_closure* self, closure_args* x) {
  vec in = {0}, res = {0};
  mlx_vector_int axes = {0};
  int failed = closure_give(&in, x->in[0]) ||
               closure_status(
                   self,
                   CLOSURE_CALL(
                       self,
                       custom_vmap_fn,
                       custom_vmap_fn_p,
                       &res,
                       &axes,
                       in,
                       x->ints,
                       x->n_ints)) ||
               closure_take(self, &x->out[0], res) ||
               closure_take_ints(self, &x->out_ints, axes);
  mlx_vector_array_free(in);
  mlx_vector_array_free(res);
  mlx_vector_int_free(axes);
  return failed;
}

/* ---- construction -------------------------------------------------------- */

static void* closure_make(
    lz_closure_kind kind,
    closure_fn call,
    void (*function)(void),
    bool takes_payload,
    void* payload,
    void (*dtor)(void*)) {
  void* ctx = NULL;
  if (!function) {
    API_RAISE("[closure_new] argument fun: the pointer is NULL");
    return NULL;
  }
  lz_closure* c = closure_new(kind, call, payload, dtor);
  if (c) {
    c->function = function;
    c->takes_payload = takes_payload;
  }
  if (api_closure_set(&ctx, c)) API_REPORT();
  return ctx;
}

static int closure_share(void** ctx, void* src, const char* name) {
  API_OP(name);
  lz_closure* c = api_closure(src, "src");
  return api_status(!c || api_closure_set(ctx, closure_ref(c)));
}

static int closure_free(void* ctx) {
  if (ctx) closure_unref(((closure_handle*)ctx)->closure);
  free(ctx);
  return 0;
}

#define CLOSURE(type, KIND, name, ...)                                         \
  type type##_new(void) {                                                      \
    return (type){0};                                                          \
  }                                                                            \
  int type##_free(type cls) {                                                  \
    return closure_free(cls.ctx);                                              \
  }                                                                            \
  int type##_set(type* cls, const type src) {                                  \
    return closure_share(&cls->ctx, src.ctx, #type "_set" + 4);                \
  }                                                                            \
  type type##_new_func(int (*fun)(__VA_ARGS__)) {                              \
    return (type){closure_make(                                                \
        KIND, closure_call_##name, (void (*)(void))fun, false, NULL, NULL)};   \
  }                                                                            \
  type type##_new_func_payload(                                                \
      int (*fun)(__VA_ARGS__, void*), void* payload, void (*dtor)(void*)) {    \
    return (type){closure_make(                                                \
        KIND, closure_call_##name, (void (*)(void))fun, true, payload, dtor)}; \
  }

CLOSURE(mlx_closure, CLOSURE_PLAIN, plain, vec*, const vec)
CLOSURE(
    mlx_closure_kwargs,
    CLOSURE_KWARGS,
    kwargs,
    vec*,
    const vec,
    const mlx_map_string_to_array)
CLOSURE(
    mlx_closure_value_and_grad,
    CLOSURE_VALUE_AND_GRAD,
    value_and_grad,
    vec*,
    vec*,
    const vec)
CLOSURE(
    mlx_closure_custom,
    CLOSURE_CUSTOM,
    custom,
    vec*,
    const vec,
    const vec,
    const vec)
CLOSURE(
    mlx_closure_custom_jvp,
    CLOSURE_CUSTOM_JVP,
    custom_jvp,
    vec*,
    const vec,
    const vec,
    const int*,
    size_t)
CLOSURE(
    mlx_closure_custom_vmap,
    CLOSURE_CUSTOM_VMAP,
    custom_vmap,
    vec*,
    mlx_vector_int*,
    const vec,
    const int*,
    size_t)

mlx_closure mlx_closure_new_unary(int (*fun)(mlx_array*, const mlx_array)) {
  return (mlx_closure){closure_make(
      CLOSURE_PLAIN,
      closure_call_unary,
      (void (*)(void))fun,
      false,
      NULL,
      NULL)};
}

/* ---- application --------------------------------------------------------- */

/* Hands the results over, all or none: what the second needs is made before
 * the first is written. `second` is the ctx of a vector of arrays or of ints,
 * or NULL. */
static int closure_finish(
    const api_call* call,
    int failed,
    closure_args* args,
    vec* res,
    mlx_vector_array* grads,
    mlx_vector_int* axes) {
  void* made = NULL;
  void** second = grads ? &grads->ctx : axes ? &axes->ctx : NULL;
  if (!failed) failed = api_pointer(res, "res");
  if (!failed && second && !*second) {
    made = calloc(1, grads ? sizeof(lz_list) : sizeof(lz_ints));
    if (!made) failed = error_memory() == NULL;
  }
  if (!failed) failed = api_vector_set(res, &args->out[0]);
  if (!failed && second) {
    if (made) *second = made;
    made = NULL;
    if (grads)
      failed = api_vector_set(grads, &args->out[1]);
    else
      failed = api_vector_int_set(axes, &args->out_ints);
  }
  free(made);
  closure_args_clear(args);
  return api_end_status(call, failed);
}

static int closure_run(void* ctx, closure_args* args) {
  lz_closure* c = api_closure(ctx, "cls");
  return !c || closure_call(c, args);
}

int mlx_closure_apply(
    mlx_vector_array* res, mlx_closure cls, const mlx_vector_array input) {
  API_OP("closure_apply");
  closure_args args = {.in = {api_list(input, "input")}};
  int failed = !args.in[0] || closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res, NULL, NULL);
}

int mlx_closure_kwargs_apply(
    mlx_vector_array* res,
    mlx_closure_kwargs cls,
    const mlx_vector_array input_0,
    const mlx_map_string_to_array input_1) {
  API_OP("closure_kwargs_apply");
  closure_args args = {
      .in = {api_list(input_0, "input_0")}, .kwargs = input_1.ctx};
  int failed = !args.in[0] || api_pointer(input_1.ctx, "input_1") ||
               closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res, NULL, NULL);
}

int mlx_closure_value_and_grad_apply(
    mlx_vector_array* res_0,
    mlx_vector_array* res_1,
    mlx_closure_value_and_grad cls,
    const mlx_vector_array input) {
  API_OP("closure_value_and_grad_apply");
  closure_args args = {.in = {api_list(input, "input")}};
  int failed =
      !args.in[0] || api_pointer(res_1, "res_1") || closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res_0, res_1, NULL);
}

int mlx_closure_custom_apply(
    mlx_vector_array* res,
    mlx_closure_custom cls,
    const mlx_vector_array input_0,
    const mlx_vector_array input_1,
    const mlx_vector_array input_2) {
  API_OP("closure_custom_apply");
  closure_args args = {
      .in = {
          api_list(input_0, "input_0"),
          api_list(input_1, "input_1"),
          api_list(input_2, "input_2")}};
  int failed =
      !args.in[0] || !args.in[1] || !args.in[2] || closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res, NULL, NULL);
}

int mlx_closure_custom_jvp_apply(
    mlx_vector_array* res,
    mlx_closure_custom_jvp cls,
    const mlx_vector_array input_0,
    const mlx_vector_array input_1,
    const int* input_2,
    size_t input_2_num) {
  API_OP("closure_custom_jvp_apply");
  closure_args args = {
      .in = {api_list(input_0, "input_0"), api_list(input_1, "input_1")},
      .ints = input_2,
      .n_ints = input_2_num};
  int failed = !args.in[0] || !args.in[1] ||
               (input_2_num && api_pointer(input_2, "input_2")) ||
               closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res, NULL, NULL);
}

int mlx_closure_custom_vmap_apply(
    mlx_vector_array* res_0,
    mlx_vector_int* res_1,
    mlx_closure_custom_vmap cls,
    const mlx_vector_array input_0,
    const int* input_1,
    size_t input_1_num) {
  API_OP("closure_custom_vmap_apply");
  closure_args args = {
      .in = {api_list(input_0, "input_0")},
      .ints = input_1,
      .n_ints = input_1_num};
  int failed = !args.in[0] || api_pointer(res_1, "res_1") ||
               (input_1_num && api_pointer(input_1, "input_1")) ||
               closure_run(cls.ctx, &args);
  return closure_finish(&api_call_, failed, &args, res_0, NULL, res_1);
}
