#include "api/namer.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"

#define NAMER_KEY 20

static const char* namer_key(char* key, const lz_array* a) {
  snprintf(key, NAMER_KEY, "%llx", (unsigned long long)a->id);
  return key;
}

int namer_set(lz_namer* namer, const lz_array* a, const char* name) {
  char key[NAMER_KEY];
  lz_value v;
  return value_string(&v, name) ||
         map_insert(&namer->names, namer_key(key, a), &v);
}

const char* namer_get(lz_namer* namer, const lz_array* a) {
  char key[NAMER_KEY];
  const lz_value* v = map_find(&namer->names, namer_key(key, a));
  if (v) return v->text;
  char letters[16];
  size_t at = sizeof letters - 1;
  letters[at] = 0;
  for (size_t n = namer->names.count + 1; n; n = (n - 1) / 26)
    letters[--at] = (char)('A' + (n - 1) % 26);
  if (namer_set(namer, a, letters + at)) return NULL;
  return map_find(&namer->names, key)->text;
}

mlx_node_namer mlx_node_namer_new() {
  mlx_node_namer res = {calloc(1, sizeof(lz_namer))};
  if (!res.ctx) {
    error_memory();
    API_REPORT();
  }
  return res;
}

int mlx_node_namer_free(mlx_node_namer namer) {
  if (namer.ctx) map_clear(&((lz_namer*)namer.ctx)->names);
  free(namer.ctx);
  return 0;
}

static int namer_check(
    mlx_node_namer namer, mlx_array arr, const void* name, const char* where) {
  const char* missing = !namer.ctx ? "namer"
                        : !arr.ctx ? "arr"
                        : !name    ? "name"
                                   : NULL;
  return missing ? error_fail("[%s] argument %s: it is empty", where, missing)
                 : 0;
}

int mlx_node_namer_set_name(
    mlx_node_namer namer, const mlx_array arr, const char* name) {
  return namer_check(namer, arr, name, "node_namer_set_name") ||
                 namer_set(namer.ctx, ((lz_handle*)arr.ctx)->array, name)
             ? API_REPORT()
             : 0;
}

int mlx_node_namer_get_name(
    const char** name, mlx_node_namer namer, const mlx_array arr) {
  if (namer_check(namer, arr, name, "node_namer_get_name")) return API_REPORT();
  const char* text = namer_get(namer.ctx, ((lz_handle*)arr.ctx)->array);
  if (!text) return API_REPORT();
  *name = text;
  return 0;
}
