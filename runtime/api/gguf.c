/* The container of a GGUF file: arrays and metadata by name. Setting a name
 * that is there keeps what was set first, as the original does. */
#include <stdlib.h>

#include "api/api.h"
#include "api/io.h"
#include "api/vector.h"

enum { GGUF_MISSING = 2, GGUF_OTHER_KIND = 3 };

lz_gguf* api_gguf(mlx_io_gguf io, const char* argument) {
  return io.ctx ? io.ctx : api_refuse(argument, "the gguf is empty");
}

int api_gguf_set(mlx_io_gguf* res, lz_gguf* from) {
  if (!res->ctx && !(res->ctx = calloc(1, sizeof(lz_gguf)))) {
    map_clear(&from->arrays);
    map_clear(&from->metadata);
    return error_memory() == NULL;
  }
  lz_gguf* g = res->ctx;
  map_clear(&g->arrays);
  map_clear(&g->metadata);
  *g = *from;
  *from = (lz_gguf){0};
  return 0;
}

mlx_io_gguf mlx_io_gguf_new(void) {
  mlx_io_gguf res = {0};
  if (api_gguf_set(&res, &(lz_gguf){0})) API_REPORT();
  return res;
}

int mlx_io_gguf_free(mlx_io_gguf io) {
  lz_gguf* g = io.ctx;
  if (!g) return 0;
  map_clear(&g->arrays);
  map_clear(&g->metadata);
  free(g);
  return 0;
}

static int gguf_given(
    mlx_io_gguf io,
    const void* key,
    const void* other,
    const char* other_name,
    const char* where) {
  const char* missing = !io.ctx  ? "io"
                        : !key   ? "key"
                        : !other ? other_name
                                 : NULL;
  return missing ? error_fail("[%s] argument %s: it is empty", where, missing)
                 : 0;
}

int mlx_io_gguf_get_keys(mlx_vector_string* keys, mlx_io_gguf io) {
  if (gguf_given(io, "", keys, "keys", "io_gguf_get_keys")) return API_REPORT();
  const lz_map* m = &((lz_gguf*)io.ctx)->arrays;
  lz_strings names = {0};
  for (size_t i = 0; i < m->count; i++)
    if (strings_append(&names, m->entries[i].key)) {
      strings_clear(&names);
      return API_REPORT();
    }
  return api_vector_string_set(keys, &names) ? API_REPORT() : 0;
}

int mlx_io_gguf_get_array(mlx_array* arr, mlx_io_gguf io, const char* key) {
  if (gguf_given(io, key, arr, "arr", "io_gguf_get_array")) return API_REPORT();
  const lz_value* v = map_find(&((lz_gguf*)io.ctx)->arrays, key);
  if (!v) return GGUF_MISSING;
  return api_handle_set(arr, array_ref(v->array)) ? API_REPORT() : 0;
}

/* 0 and the value of this kind, a status, or 1 after a report. */
static int gguf_find(
    const lz_value** v,
    const void* out,
    mlx_io_gguf io,
    const char* key,
    lz_value_kind kind,
    const char* where) {
  if (gguf_given(io, key, out, "output", where)) return API_REPORT();
  *v = map_find(&((lz_gguf*)io.ctx)->metadata, key);
  return !*v ? GGUF_MISSING : (*v)->kind != kind ? GGUF_OTHER_KIND : 0;
}

int mlx_io_gguf_get_metadata_array(
    mlx_array* arr, mlx_io_gguf io, const char* key) {
  const lz_value* v = NULL;
  int status =
      gguf_find(&v, arr, io, key, VALUE_ARRAY, "io_gguf_get_metadata_array");
  if (status) return status;
  return api_handle_set(arr, array_ref(v->array)) ? API_REPORT() : 0;
}

int mlx_io_gguf_get_metadata_string(
    mlx_string* str, mlx_io_gguf io, const char* key) {
  const lz_value* v = NULL;
  int status =
      gguf_find(&v, str, io, key, VALUE_STRING, "io_gguf_get_metadata_string");
  if (status) return status;
  return api_string_set(str, v->text) ? API_REPORT() : 0;
}

int mlx_io_gguf_get_metadata_vector_string(
    mlx_vector_string* vstr, mlx_io_gguf io, const char* key) {
  const lz_value* v = NULL;
  int status = gguf_find(
      &v, vstr, io, key, VALUE_STRINGS, "io_gguf_get_metadata_vector_string");
  if (status) return status;
  lz_strings copy = {0};
  return strings_copy(&copy, &v->strings) || api_vector_string_set(vstr, &copy)
             ? API_REPORT()
             : 0;
}

static int gguf_has(
    bool* flag,
    mlx_io_gguf io,
    const char* key,
    lz_value_kind kind,
    const char* where) {
  const lz_value* v = NULL;
  int status = gguf_find(&v, flag, io, key, kind, where);
  if (flag) *flag = status == 0;
  return status == GGUF_OTHER_KIND ? 0 : status;
}

int mlx_io_gguf_has_metadata_array(
    bool* flag, mlx_io_gguf io, const char* key) {
  return gguf_has(flag, io, key, VALUE_ARRAY, "io_gguf_has_metadata_array");
}

int mlx_io_gguf_has_metadata_string(
    bool* flag, mlx_io_gguf io, const char* key) {
  return gguf_has(flag, io, key, VALUE_STRING, "io_gguf_has_metadata_string");
}

int mlx_io_gguf_has_metadata_vector_string(
    bool* flag, mlx_io_gguf io, const char* key) {
  return gguf_has(
      flag, io, key, VALUE_STRINGS, "io_gguf_has_metadata_vector_string");
}

/* Takes *v over. */
static int gguf_insert(lz_map* m, const char* key, int failed, lz_value* v) {
  if (failed) return API_REPORT();
  if (map_find(m, key)) {
    value_clear(v);
    return 0;
  }
  return map_insert(m, key, v) ? API_REPORT() : 0;
}

int mlx_io_gguf_set_array(
    mlx_io_gguf io, const char* key, const mlx_array arr) {
  lz_value v = {0};
  if (gguf_given(io, key, arr.ctx, "arr", "io_gguf_set_array"))
    return API_REPORT();
  int failed = value_array(&v, ((lz_handle*)arr.ctx)->array);
  return gguf_insert(&((lz_gguf*)io.ctx)->arrays, key, failed, &v);
}

int mlx_io_gguf_set_metadata_array(
    mlx_io_gguf io, const char* key, const mlx_array marr) {
  lz_value v = {0};
  if (gguf_given(io, key, marr.ctx, "marr", "io_gguf_set_metadata_array"))
    return API_REPORT();
  int failed = value_array(&v, ((lz_handle*)marr.ctx)->array);
  return gguf_insert(&((lz_gguf*)io.ctx)->metadata, key, failed, &v);
}

int mlx_io_gguf_set_metadata_string(
    mlx_io_gguf io, const char* key, const char* mstr) {
  lz_value v = {0};
  if (gguf_given(io, key, mstr, "mstr", "io_gguf_set_metadata_string"))
    return API_REPORT();
  int failed = value_string(&v, mstr);
  return gguf_insert(&((lz_gguf*)io.ctx)->metadata, key, failed, &v);
}

int mlx_io_gguf_set_metadata_vector_string(
    mlx_io_gguf io, const char* key, const mlx_vector_string mvstr) {
  lz_value v = {0};
  if (gguf_given(
          io, key, mvstr.ctx, "mvstr", "io_gguf_set_metadata_vector_string"))
    return API_REPORT();
  int failed = value_strings(&v, mvstr.ctx);
  return gguf_insert(&((lz_gguf*)io.ctx)->metadata, key, failed, &v);
}
