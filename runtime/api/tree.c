#include "lazuli/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/vector.h"
#include "core/hold.h"

struct lazuli_tree {
  lazuli_tree_kind kind;
  lz_array* array; /* of a leaf; held as the program's */
  lazuli_tree** children;
  char** keys; /* of a map */
  size_t count, capacity;
};

static lazuli_tree* tree_new(lazuli_tree_kind kind) {
  lazuli_tree* t = calloc(1, sizeof *t);
  if (!t) return error_memory();
  t->kind = kind;
  return t;
}

static lazuli_tree* tree_leaf(lz_array* a) {
  lazuli_tree* t = tree_new(LAZULI_TREE_ARRAY);
  if (!t) return NULL;
  t->array = array_ref(a);
  hold_take(a);
  return t;
}

void lazuli_tree_free(lazuli_tree* t) {
  if (!t) return;
  if (t->array) hold_drop(t->array);
  for (size_t i = 0; i < t->count; i++) {
    lazuli_tree_free(t->children[i]);
    if (t->keys) free(t->keys[i]);
  }
  free(t->children);
  free(t->keys);
  free(t);
}

/* Takes key (NULL in a list) and child over; room first, so neither is lost. */
static int tree_add(lazuli_tree* t, char* key, lazuli_tree* child) {
  if (t->count == t->capacity) {
    size_t n = t->capacity ? 2 * t->capacity : 4;
    lazuli_tree** children = realloc(t->children, n * sizeof *children);
    if (children) t->children = children;
    char** keys =
        t->kind == LAZULI_TREE_MAP ? realloc(t->keys, n * sizeof *keys) : NULL;
    if (keys) t->keys = keys;
    if (!children || (t->kind == LAZULI_TREE_MAP && !keys)) {
      free(key);
      lazuli_tree_free(child);
      return error_memory() == NULL;
    }
    t->capacity = n;
  }
  if (t->keys) t->keys[t->count] = key;
  t->children[t->count++] = child;
  return 0;
}

static lazuli_tree* tree_child_named(
    const lazuli_tree* t, const char* key, size_t n, size_t* index) {
  if (t->kind == LAZULI_TREE_LIST) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
      if (!isdigit((unsigned char)key[i]) || at > t->count) return NULL;
      at = 10 * at + (size_t)(key[i] - '0');
    }
    *index = at;
    return n && at < t->count ? t->children[at] : NULL;
  }
  for (size_t i = 0; i < t->count; i++)
    if (strncmp(t->keys[i], key, n) == 0 && !t->keys[i][n]) {
      *index = i;
      return t->children[i];
    }
  return NULL;
}

static int tree_put(
    lazuli_tree* map, const char* key, size_t n, lazuli_tree* child) {
  size_t at;
  if (tree_child_named(map, key, n, &at)) {
    lazuli_tree_free(map->children[at]);
    map->children[at] = child;
    return 0;
  }
  char* copy = strndup(key, n);
  if (copy) return tree_add(map, copy, child);
  lazuli_tree_free(child);
  return error_memory() == NULL;
}

/* ---- building ------------------------------------------------------------ */

static lazuli_tree* tree_result(lazuli_tree* t) {
  if (!t) API_REPORT();
  return t;
}

lazuli_tree* lazuli_tree_new_array(const mlx_array a) {
  if (!a.ctx) {
    API_RAISE("[tree_new_array] argument a: the array is empty");
    return NULL;
  }
  return tree_result(tree_leaf(((lz_handle*)a.ctx)->array));
}

lazuli_tree* lazuli_tree_new_list(void) {
  return tree_result(tree_new(LAZULI_TREE_LIST));
}

lazuli_tree* lazuli_tree_new_map(void) {
  return tree_result(tree_new(LAZULI_TREE_MAP));
}

int lazuli_tree_append(lazuli_tree* list, lazuli_tree* child) {
  if (list && child && list->kind == LAZULI_TREE_LIST)
    return tree_add(list, NULL, child) ? API_REPORT() : 0;
  lazuli_tree_free(child);
  return API_RAISE(
      "[tree_append] argument %s",
      child ? "list: it is no list" : "child: it is NULL");
}

int lazuli_tree_set(lazuli_tree* map, const char* key, lazuli_tree* child) {
  bool named = key && *key && !strchr(key, '.');
  if (map && child && named && map->kind == LAZULI_TREE_MAP)
    return tree_put(map, key, strlen(key), child) ? API_REPORT() : 0;
  lazuli_tree_free(child);
  if (!named)
    return API_RAISE(
        "[tree_set] argument key: \"%s\" is empty or has a dot",
        key ? key : "");
  return API_RAISE(
      "[tree_set] argument %s",
      child ? "map: it is no map" : "child: it is NULL");
}

/* ---- looking ------------------------------------------------------------- */

lazuli_tree_kind lazuli_tree_kind_of(const lazuli_tree* t) {
  return t->kind;
}

size_t lazuli_tree_size(const lazuli_tree* t) {
  return t->count;
}

lazuli_tree* lazuli_tree_child(const lazuli_tree* t, size_t index) {
  return index < t->count ? t->children[index] : NULL;
}

const char* lazuli_tree_key(const lazuli_tree* t, size_t index) {
  return t->keys && index < t->count ? t->keys[index] : "";
}

lazuli_tree* lazuli_tree_find(const lazuli_tree* t, const char* path) {
  while (t && *path) {
    size_t n = strcspn(path, "."), at;
    t = tree_child_named(t, path, n, &at);
    path += n + (path[n] == '.');
  }
  return (lazuli_tree*)t;
}

int lazuli_tree_get(mlx_array* res, const lazuli_tree* leaf) {
  if (!res || !leaf || leaf->kind != LAZULI_TREE_ARRAY)
    return API_RAISE(
        "[tree_get] argument %s",
        res ? "leaf: it is no array" : "res: it is NULL");
  return api_handle_set(res, array_ref(leaf->array)) ? API_REPORT() : 0;
}

/* ---- flat and back ------------------------------------------------------- */

/* path: that of t, in a buffer that grows with the depth. */
typedef struct tree_path {
  char* text;
  size_t size;
} tree_path;

static int path_reserve(tree_path* p, size_t size) {
  if (size <= p->size) return 0;
  char* text = realloc(p->text, 2 * size);
  if (!text) return error_memory() == NULL;
  p->text = text;
  p->size = 2 * size;
  return 0;
}

static int tree_walk(
    const lazuli_tree* t,
    tree_path* path,
    size_t n,
    lz_strings* keys,
    lz_list* arrays) {
  if (t->kind == LAZULI_TREE_ARRAY)
    return (keys && strings_append(keys, path->text)) ||
           list_append(arrays, t->array);
  for (size_t i = 0; i < t->count; i++) {
    char number[24];
    snprintf(number, sizeof number, "%zu", i);
    const char* key = t->keys ? t->keys[i] : number;
    size_t k = strlen(key);
    if (path_reserve(path, n + k + 2)) return 1;
    size_t to = n;
    if (n) path->text[to++] = '.';
    memcpy(path->text + to, key, k + 1);
    if (tree_walk(t->children[i], path, to + k, keys, arrays)) return 1;
  }
  return 0;
}

int lazuli_tree_flatten(
    const lazuli_tree* t, mlx_vector_string* keys, mlx_vector_array* arrays) {
  if (!t || !arrays)
    return API_RAISE(
        "[tree_flatten] argument %s: it is NULL", t ? "arrays" : "t");
  tree_path path = {0};
  lz_strings names = {0};
  lz_list leaves = {0};
  int failed = path_reserve(&path, 32);
  if (!failed) {
    path.text[0] = 0;
    failed = tree_walk(t, &path, 0, keys ? &names : NULL, &leaves);
  }
  free(path.text);
  if (!failed && keys) failed = api_vector_string_set(keys, &names);
  if (!failed) failed = api_vector_set(arrays, &leaves);
  if (!failed) return 0;
  strings_clear(&names);
  list_clear(&leaves);
  return API_REPORT();
}

/* Is the path's first key a number? */
static bool path_is_index(const char* path) {
  size_t n = strspn(path, "0123456789");
  return n && (!path[n] || path[n] == '.');
}

/* The child at the path's first key, n long; empty maps are put in where there
 * is none. NULL with a message. */
static lazuli_tree* tree_make_child(
    lazuli_tree* t, const char* path, size_t n) {
  size_t at = 0;
  lazuli_tree* child = tree_child_named(t, path, n, &at);
  if (child) return child;
  if (t->kind == LAZULI_TREE_MAP && n) {
    child = tree_new(LAZULI_TREE_MAP);
    return child && tree_put(t, path, n, child) == 0 ? child : NULL;
  }
  if (t->kind != LAZULI_TREE_LIST || !path_is_index(path) || n > 7)
    return error_set("[tree_unflatten] no place for \"%s\"", path);
  for (at = (size_t)atoi(path); t->count <= at;) {
    child = tree_new(LAZULI_TREE_MAP);
    if (!child || tree_add(t, NULL, child)) return NULL;
  }
  return child;
}

/* Puts a leaf at the path below t, with the levels in between. */
static int tree_plant(lazuli_tree* t, const char* path, lz_array* a) {
  for (;;) {
    if (t->kind == LAZULI_TREE_MAP && t->count == 0 && path_is_index(path))
      t->kind = LAZULI_TREE_LIST;
    size_t n = strcspn(path, ".");
    lazuli_tree* child = tree_make_child(t, path, n);
    if (!child) return 1;
    if (path[n]) {
      t = child;
      path += n + 1;
      continue;
    }
    if (child->kind != LAZULI_TREE_MAP || child->count)
      return error_fail("[tree_unflatten] two arrays at \"%s\"", path);
    child->kind = LAZULI_TREE_ARRAY;
    child->array = array_ref(a);
    hold_take(a);
    return 0;
  }
}

lazuli_tree* lazuli_tree_unflatten(
    const mlx_vector_string keys, const mlx_vector_array arrays) {
  const lz_strings* names = keys.ctx;
  const lz_list* leaves = arrays.ctx;
  if (!names || !leaves || names->count != leaves->count) {
    API_RAISE(
        "[tree_unflatten] %zu keys for %zu arrays",
        names ? names->count : 0,
        leaves ? leaves->count : 0);
    return NULL;
  }
  if (names->count == 1 && !*names->items[0])
    return tree_result(tree_leaf(leaves->items[0]));
  lazuli_tree* t = tree_new(LAZULI_TREE_MAP);
  for (size_t i = 0; t && i < names->count; i++)
    if (tree_plant(t, names->items[i], leaves->items[i])) {
      lazuli_tree_free(t);
      t = NULL;
    }
  return tree_result(t);
}

/* ---- other leaves -------------------------------------------------------- */

typedef lz_array* (*tree_leaf_of)(lz_array* old, void* payload);

/* The same form; of() gives a reference for each leaf. */
static lazuli_tree* tree_rebuild(
    const lazuli_tree* t, tree_leaf_of of, void* payload) {
  if (t->kind == LAZULI_TREE_ARRAY) {
    lz_array* a = of(t->array, payload);
    lazuli_tree* leaf = a ? tree_leaf(a) : NULL;
    array_unref(a);
    return leaf;
  }
  lazuli_tree* made = tree_new(t->kind);
  for (size_t i = 0; made && i < t->count; i++) {
    lazuli_tree* child = tree_rebuild(t->children[i], of, payload);
    char* key = child && t->keys ? strdup(t->keys[i]) : NULL;
    if (child && t->keys && !key) {
      lazuli_tree_free(child);
      child = error_memory();
    }
    if (!child || tree_add(made, key, child)) {
      lazuli_tree_free(made);
      return NULL;
    }
  }
  return made;
}

typedef struct tree_leaves {
  const lz_list* list;
  size_t next;
} tree_leaves;

static lz_array* leaf_next(lz_array* old, void* payload) {
  (void)old;
  tree_leaves* l = payload;
  if (l->next < l->list->count) return array_ref(l->list->items[l->next++]);
  return error_set(
      "[tree_with_leaves] %zu arrays are fewer than leaves", l->list->count);
}

lazuli_tree* lazuli_tree_with_leaves(
    const lazuli_tree* t, const mlx_vector_array arrays) {
  if (!t || !arrays.ctx) {
    API_RAISE(
        "[tree_with_leaves] argument %s: it is empty", t ? "arrays" : "t");
    return NULL;
  }
  tree_leaves l = {arrays.ctx, 0};
  lazuli_tree* made = tree_rebuild(t, leaf_next, &l);
  if (made && l.next < l.list->count) {
    error_set(
        "[tree_with_leaves] %zu arrays for %zu leaves", l.list->count, l.next);
    lazuli_tree_free(made);
    made = NULL;
  }
  return tree_result(made);
}

typedef struct tree_function {
  int (*f)(mlx_array* res, const mlx_array leaf, void* payload);
  void* payload;
} tree_function;

static lz_array* leaf_call(lz_array* old, void* payload) {
  const tree_function* f = payload;
  mlx_array in = api_handle_new(array_ref(old)), out = {0};
  lz_array* a = NULL;
  if (in.ctx && f->f(&out, in, f->payload) == 0 && out.ctx)
    a = array_ref(((lz_handle*)out.ctx)->array);
  else if (!error_is_set())
    error_set("[tree_map] the function failed");
  mlx_array_free(in);
  mlx_array_free(out);
  return a;
}

lazuli_tree* lazuli_tree_map(
    const lazuli_tree* t,
    int (*f)(mlx_array* res, const mlx_array leaf, void* payload),
    void* payload) {
  if (!t || !f) {
    API_RAISE("[tree_map] argument %s: it is NULL", t ? "f" : "t");
    return NULL;
  }
  tree_function function = {f, payload};
  return tree_result(tree_rebuild(t, leaf_call, &function));
}
