/* One kind of vector of the interface; included once for each kind with
 *
 *   VECTOR   the name after mlx_vector_
 *   STORE    the struct behind ctx
 *   STORED   its element
 *   GIVEN    the element as the program gives it
 *   DATA     the type that a run of them is given as
 *   VALID    bool valid(GIVEN): whether it may be an element
 *   TAKE     int take(STORED*, GIVEN): copies one in; non-zero with a message
 *   COPY     int copy(STORED*, const STORED*): the same from another vector
 *   DROP     void drop(STORED*)
 *   GET      int get(OUT*, const STORED*): hands one out
 *   OUT      the type it is handed out as
 */
#define PASTE4(a, b, c, d) a##b##c##d
#define NAME_(vector, what) PASTE4(mlx_vector_, vector, _, what)
#define TYPE_(vector) mlx_vector_##vector
#define HELPER_(vector, what) PASTE4(vector_, vector, _, what)
#define NAME(what) EXPAND(NAME_, VECTOR, what)
#define HELPER(what) EXPAND(HELPER_, VECTOR, what)
#define EXPAND(macro, vector, what) macro(vector, what)
#define EXPAND1(macro, vector) macro(vector)
#define TYPE EXPAND1(TYPE_, VECTOR)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define WHERE(what) "[vector_" TEXT(VECTOR) "_" what "]"

static void HELPER(clear)(STORE* v) {
  for (size_t i = 0; i < v->count; i++) DROP(&v->items[i]);
  free(v->items);
  *v = (STORE){0};
}

static int HELPER(reserve)(STORE* v, size_t more) {
  if (more <= v->capacity - v->count) return 0;
  if (more > SIZE_MAX / sizeof(STORED) / 2 - v->count)
    return error_memory() == NULL;
  size_t capacity = v->count + more;
  if (capacity < 2 * v->capacity) capacity = 2 * v->capacity;
  STORED* items = realloc(v->items, capacity * sizeof(STORED));
  if (!items) return error_memory() == NULL;
  v->items = items;
  v->capacity = capacity;
  return 0;
}

/* All or nothing: v keeps what it had where one element is refused. */
static int HELPER(extend)(
    STORE* v, DATA data, size_t size, const char* argument, const char* where) {
  if (size == 0) return 0;
  if (!data)
    return error_fail("%s argument %s: the pointer is NULL", where, argument);
  if (HELPER(reserve)(v, size)) return 1;
  size_t before = v->count;
  for (size_t i = 0; i < size; i++, v->count++) {
    bool valid = VALID(data[i]);
    if (valid && TAKE(&v->items[v->count], data[i]) == 0) continue;
    if (!valid)
      error_set("%s argument %s: element %zu is empty", where, argument, i);
    while (v->count > before) DROP(&v->items[--v->count]);
    return 1;
  }
  return 0;
}

static int HELPER(duplicate)(STORE* to, const STORE* from) {
  *to = (STORE){0};
  if (HELPER(reserve)(to, from->count)) return 1;
  for (; to->count < from->count; to->count++)
    if (COPY(&to->items[to->count], &from->items[to->count])) {
      HELPER(clear)(to);
      return 1;
    }
  return 0;
}

/* Takes *from over. */
static int HELPER(replace)(TYPE* vec, STORE* from) {
  if (vec->ctx) {
    STORE* v = vec->ctx;
    STORE old = *v;
    *v = *from;
    HELPER(clear)(&old);
  } else {
    STORE* v = malloc(sizeof *v);
    if (!v) {
      HELPER(clear)(from);
      return error_memory() == NULL;
    }
    *v = *from;
    vec->ctx = v;
  }
  *from = (STORE){0};
  return 0;
}

static int HELPER(build)(
    TYPE* vec,
    DATA data,
    size_t size,
    const char* argument,
    const char* where) {
  STORE v = {0};
  if (HELPER(extend)(&v, data, size, argument, where)) {
    HELPER(clear)(&v);
    return 1;
  }
  return HELPER(replace)(vec, &v);
}

TYPE NAME(new)(void) {
  TYPE res = {0};
  if (HELPER(build)(&res, NULL, 0, "data", WHERE("new"))) API_REPORT();
  return res;
}

int NAME(free)(TYPE vec) {
  if (!vec.ctx) return 0;
  HELPER(clear)(vec.ctx);
  free(vec.ctx);
  return 0;
}

TYPE NAME(new_data)(DATA data, size_t size) {
  TYPE res = {0};
  if (HELPER(build)(&res, data, size, "data", WHERE("new_data"))) API_REPORT();
  return res;
}

TYPE NAME(new_value)(GIVEN val) {
  TYPE res = {0};
  if (HELPER(build)(&res, &val, 1, "val", WHERE("new_value"))) API_REPORT();
  return res;
}

static int HELPER(output)(const TYPE* vec, const char* where) {
  return vec ? 0 : error_fail("%s argument vec: the pointer is NULL", where);
}

static int HELPER(input)(TYPE vec, const char* argument, const char* where) {
  if (vec.ctx) return 0;
  return error_fail("%s argument %s: it is empty", where, argument);
}

int NAME(set)(TYPE* vec, const TYPE src) {
  if (HELPER(output)(vec, WHERE("set")) ||
      HELPER(input)(src, "src", WHERE("set")))
    return API_REPORT();
  STORE copy;
  return HELPER(duplicate)(&copy, src.ctx) || HELPER(replace)(vec, &copy)
             ? API_REPORT()
             : 0;
}

int NAME(set_data)(TYPE* vec, DATA data, size_t size) {
  return HELPER(output)(vec, WHERE("set_data")) ||
                 HELPER(build)(vec, data, size, "data", WHERE("set_data"))
             ? API_REPORT()
             : 0;
}

int NAME(set_value)(TYPE* vec, GIVEN val) {
  return HELPER(output)(vec, WHERE("set_value")) ||
                 HELPER(build)(vec, &val, 1, "val", WHERE("set_value"))
             ? API_REPORT()
             : 0;
}

int NAME(append_data)(TYPE vec, DATA data, size_t size) {
  return HELPER(input)(vec, "vec", WHERE("append_data")) ||
                 HELPER(extend)(
                     vec.ctx, data, size, "data", WHERE("append_data"))
             ? API_REPORT()
             : 0;
}

int NAME(append_value)(TYPE vec, GIVEN val) {
  return HELPER(input)(vec, "vec", WHERE("append_value")) ||
                 HELPER(extend)(vec.ctx, &val, 1, "val", WHERE("append_value"))
             ? API_REPORT()
             : 0;
}

size_t NAME(size)(TYPE vec) {
  if (!HELPER(input)(vec, "vec", WHERE("size")))
    return ((STORE*)vec.ctx)->count;
  API_REPORT();
  return 0;
}

int NAME(get)(OUT* res, const TYPE vec, size_t idx) {
  if (HELPER(input)(vec, "vec", WHERE("get"))) return API_REPORT();
  const STORE* v = vec.ctx;
  if (!res) return API_RAISE(WHERE("get") " argument res: the pointer is NULL");
  if (idx >= v->count)
    return API_RAISE(
        WHERE("get") " index %zu of a vector of %zu", idx, v->count);
  return GET(res, &v->items[idx]) ? API_REPORT() : 0;
}

#undef PASTE4
#undef NAME_
#undef TYPE_
#undef HELPER_
#undef NAME
#undef HELPER
#undef EXPAND
#undef EXPAND1
#undef TYPE
#undef TEXT_
#undef TEXT
#undef WHERE
#undef VECTOR
#undef STORE
#undef STORED
#undef GIVEN
#undef DATA
#undef VALID
#undef TAKE
#undef COPY
#undef DROP
#undef GET
#undef OUT
