/* Many arrays in one file: safetensors and GGUF. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/io.h"
#include "api/map.h"
#include "eval/eval.h"
#include "io/gguf.h"
#include "io/safetensors.h"

/* All arrays of the map in one evaluation; of `more`, where it is given, those
 * that are arrays. */
static int maps_eval(const lz_map* m, const lz_map* more) {
  size_t n = 0, most = m->count + (more ? more->count : 0);
  lz_array** arrays = malloc(sizeof(lz_array*) * (most ? most : 1));
  if (!arrays) return error_memory() == NULL;
  for (size_t i = 0; i < m->count; i++) arrays[n++] = m->entries[i].value.array;
  for (size_t i = 0; more && i < more->count; i++)
    if (more->entries[i].value.kind == VALUE_ARRAY)
      arrays[n++] = more->entries[i].value.array;
  int failed = eval_arrays(arrays, n, LAZULI_TRIGGER_SAVE, false);
  free(arrays);
  return failed;
}

/* The path with the extension that it may lack; non-zero where it is too long.
 */
static int maps_path(
    char path[4096], const char* file, const char* op, const char* extension) {
  size_t n = strlen(file), k = strlen(extension);
  if (n + k + 1 > 4096) return error_fail("[%s] the path has %zu bytes", op, n);
  memcpy(path, file, n + 1);
  if (n < k || strcmp(file + n - k, extension) != 0)
    strcpy(path + n, extension);
  return 0;
}

/* ---- safetensors --------------------------------------------------------- */

static int load_maps(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    lz_source* source,
    lz_stream* s) {
  if (!source) return 1;
  lz_map arrays = {0}, metadata = {0};
  int failed = safetensors_load(source, s, &arrays, &metadata);
  source_unref(source);
  /* Both or neither: what the second setter needs is there beforehand. */
  mlx_map_string_to_string made = {0};
  failed = failed || (!res_1->ctx && api_map_set(&made.ctx, &(lz_map){0}));
  if (failed || api_map_set(&res_0->ctx, &arrays)) {
    map_clear(&arrays);
    map_clear(&metadata);
    mlx_map_string_to_string_free(made);
    return 1;
  }
  if (made.ctx) *res_1 = made;
  return api_map_set(&res_1->ctx, &metadata);
}

static int load_outputs(const void* res_0, const void* res_1) {
  return api_pointer(res_0, "res_0") || api_pointer(res_1, "res_1");
}

int mlx_load_safetensors_reader(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    mlx_io_reader in_stream,
    const mlx_stream s) {
  API_OP("load_safetensors");
  lz_io* io =
      load_outputs(res_0, res_1) ? NULL : api_reader(in_stream, "in_stream");
  lz_stream* stream = io ? api_stream(s) : NULL;
  return api_status(
      !stream ||
      load_maps(
          res_0, res_1, source_of_reader("load_safetensors", io), stream));
}

int mlx_load_safetensors(
    mlx_map_string_to_array* res_0,
    mlx_map_string_to_string* res_1,
    const char* file,
    const mlx_stream s) {
  API_OP("load_safetensors");
  lz_stream* stream = load_outputs(res_0, res_1) || api_pointer(file, "file")
                          ? NULL
                          : api_stream(s);
  return api_status(
      !stream ||
      load_maps(res_0, res_1, source_open("load_safetensors", file), stream));
}

/* The sink is opened after the evaluation, of which a load from the file that
 * is written over may be part. */
static const lz_map* save_prepare(
    const mlx_map_string_to_array param,
    const mlx_map_string_to_string metadata) {
  if (!param.ctx) return api_refuse("param", "the map is empty");
  if (!metadata.ctx) return api_refuse("metadata", "the map is empty");
  const lz_map* m = param.ctx;
  return safetensors_check(m) || maps_eval(m, NULL) ? NULL : m;
}

static int save_maps(
    lz_sink* sink, const lz_map* arrays, const lz_map* metadata) {
  return !sink || sink_close(sink, safetensors_save(sink, arrays, metadata));
}

int mlx_save_safetensors_writer(
    mlx_io_writer in_stream,
    const mlx_map_string_to_array param,
    const mlx_map_string_to_string metadata) {
  API_OP("save_safetensors");
  lz_io* io = api_writer(in_stream, "in_stream");
  const lz_map* m = io ? save_prepare(param, metadata) : NULL;
  return api_status(
      !m || save_maps(sink_of_writer("save_safetensors", io), m, metadata.ctx));
}

int mlx_save_safetensors(
    const char* file,
    const mlx_map_string_to_array param,
    const mlx_map_string_to_string metadata) {
  API_OP("save_safetensors");
  char path[4096];
  if (api_pointer(file, "file") ||
      maps_path(path, file, "save_safetensors", ".safetensors"))
    return api_status(1);
  const lz_map* m = save_prepare(param, metadata);
  return api_status(
      !m || save_maps(sink_open("save_safetensors", path), m, metadata.ctx));
}

/* ---- gguf ---------------------------------------------------------------- */

int mlx_load_gguf(mlx_io_gguf* gguf, const char* file, const mlx_stream s) {
  API_OP("load_gguf");
  lz_stream* stream = api_pointer(gguf, "gguf") || api_pointer(file, "file")
                          ? NULL
                          : api_stream(s);
  lz_source* source = stream ? source_open("load_gguf", file) : NULL;
  if (!source) return api_status(1);
  lz_gguf read = {0};
  int failed = gguf_load(source, stream, &read);
  source_unref(source);
  if (failed) {
    map_clear(&read.arrays);
    map_clear(&read.metadata);
  }
  return api_status(failed || api_gguf_set(gguf, &read));
}

int mlx_save_gguf(const char* file, mlx_io_gguf gguf) {
  API_OP("save_gguf");
  const lz_gguf* g = api_gguf(gguf, "gguf");
  char path[4096];
  if (!g || api_pointer(file, "file") ||
      maps_path(path, file, "save_gguf", ".gguf") || gguf_check(g) ||
      maps_eval(&g->arrays, &g->metadata))
    return api_status(1);
  lz_sink* sink = sink_open("save_gguf", path);
  return api_status(!sink || sink_close(sink, gguf_save(sink, g)));
}
