/* mlx_map_string_to_array and mlx_map_string_to_string, with their iterators.
 * An iterator's ctx is the index of the next entry, on the heap: the program
 * passes iterators by value. */
#include <stdlib.h>

#include "api/api.h"
#include "api/map.h"

enum { MAP_MISSING = 2 };

const lz_map* api_map(void* ctx, const char* argument) {
  return ctx ? ctx : api_refuse(argument, "the map is empty");
}

int api_map_set(void** ctx, lz_map* from) {
  if (*ctx) {
    map_clear(*ctx);
    *(lz_map*)*ctx = *from;
  } else {
    lz_map* m = malloc(sizeof *m);
    if (!m) {
      map_clear(from);
      return error_memory() == NULL;
    }
    *m = *from;
    *ctx = m;
  }
  *from = (lz_map){0};
  return 0;
}

static int map_argument(const void* p, const char* name, const char* argument) {
  return p ? 0
           : error_fail(
                 "[map_string_to_%s] argument %s: it is NULL", name, argument);
}

static void* map_new(void) {
  void* ctx = NULL;
  lz_map empty = {0};
  if (api_map_set(&ctx, &empty)) API_REPORT();
  return ctx;
}

static int map_set(void** ctx, const void* src, const char* name) {
  if (map_argument(src, name, "src")) return API_REPORT();
  lz_map copy;
  return map_copy(&copy, src) || api_map_set(ctx, &copy) ? API_REPORT() : 0;
}

static int map_free(void* ctx) {
  if (ctx) map_clear(ctx);
  free(ctx);
  return 0;
}

static size_t* map_iterator(const void* map, const char* name) {
  size_t* at = NULL;
  if (map_argument(map, name, "map") == 0 && !(at = calloc(1, sizeof *at)))
    error_memory();
  if (!at) API_REPORT();
  return at;
}

/* The next entry, or NULL with *status: at the end, or an error. */
static lz_entry* map_next(
    size_t* at, lz_map* map, const void* key, const char* name, int* status) {
  if (map_argument(at, name, "it") || map_argument(map, name, "it") ||
      map_argument(key, name, "key")) {
    *status = API_REPORT();
    return NULL;
  }
  *status = MAP_MISSING;
  return *at < map->count ? &map->entries[(*at)++] : NULL;
}

/* What both maps have in common; VALUE is the type that is handed out. */
#define MAP(name, GIVEN, VALUE)                                                \
  mlx_map_string_to_##name mlx_map_string_to_##name##_new(void) {              \
    return (mlx_map_string_to_##name){map_new()};                              \
  }                                                                            \
  int mlx_map_string_to_##name##_set(                                          \
      mlx_map_string_to_##name* map, const mlx_map_string_to_##name src) {     \
    if (map_argument(map, #name, "map")) return API_REPORT();                  \
    return map->ctx == src.ctx && src.ctx                                      \
               ? 0                                                             \
               : map_set(&map->ctx, src.ctx, #name);                           \
  }                                                                            \
  int mlx_map_string_to_##name##_free(mlx_map_string_to_##name map) {          \
    return map_free(map.ctx);                                                  \
  }                                                                            \
  int mlx_map_string_to_##name##_insert(                                       \
      mlx_map_string_to_##name map, const char* key, GIVEN value) {            \
    lz_value v;                                                                \
    if (map_argument(map.ctx, #name, "map") ||                                 \
        map_argument(key, #name, "key") || map_take_##name(&v, value) ||       \
        map_insert(map.ctx, key, &v))                                          \
      return API_REPORT();                                                     \
    return 0;                                                                  \
  }                                                                            \
  int mlx_map_string_to_##name##_get(                                          \
      VALUE* value, const mlx_map_string_to_##name map, const char* key) {     \
    if (map_argument(value, #name, "value") ||                                 \
        map_argument(map.ctx, #name, "map") ||                                 \
        map_argument(key, #name, "key"))                                       \
      return API_REPORT();                                                     \
    const lz_value* v = map_find(map.ctx, key);                                \
    if (!v) return MAP_MISSING;                                                \
    return map_give_##name(value, v) ? API_REPORT() : 0;                       \
  }                                                                            \
  mlx_map_string_to_##name##_iterator mlx_map_string_to_##name##_iterator_new( \
      mlx_map_string_to_##name map) {                                          \
    size_t* at = map_iterator(map.ctx, #name);                                 \
    return (mlx_map_string_to_##name##_iterator){at, at ? map.ctx : NULL};     \
  }                                                                            \
  int mlx_map_string_to_##name##_iterator_free(                                \
      mlx_map_string_to_##name##_iterator it) {                                \
    free(it.ctx);                                                              \
    return 0;                                                                  \
  }                                                                            \
  int mlx_map_string_to_##name##_iterator_next(                                \
      const char** key,                                                        \
      VALUE* value,                                                            \
      mlx_map_string_to_##name##_iterator it) {                                \
    int status;                                                                \
    if (map_argument(value, #name, "value")) return API_REPORT();              \
    lz_entry* e = map_next(it.ctx, it.map_ctx, key, #name, &status);           \
    if (!e) return status;                                                     \
    *key = e->key;                                                             \
    return map_give_##name(value, &e->value) ? API_REPORT() : 0;               \
  }

static int map_take_array(lz_value* v, mlx_array value) {
  if (map_argument(value.ctx, "array", "value")) return 1;
  return value_array(v, ((lz_handle*)value.ctx)->array);
}

static int map_give_array(mlx_array* value, const lz_value* v) {
  return api_handle_set(value, array_ref(v->array));
}

static int map_take_string(lz_value* v, const char* value) {
  return map_argument(value, "string", "value") || value_string(v, value);
}

static int map_give_string(const char** value, const lz_value* v) {
  *value = v->text;
  return 0;
}

MAP(array, const mlx_array, mlx_array)
MAP(string, const char*, const char*)
