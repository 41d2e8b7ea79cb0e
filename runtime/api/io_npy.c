/* Arrays in files of their own. */
#include <string.h>

#include "api/api.h"
#include "api/io.h"
#include "eval/eval.h"
#include "io/npy.h"

static int save_to(lz_sink* sink, lz_array* a) {
  if (!sink) return 1;
  int failed = eval_array(a, LAZULI_TRIGGER_SAVE) || npy_save(sink, a);
  return sink_close(sink, failed);
}

int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a) {
  API_OP("save");
  lz_array* x = api_array(a, "a");
  lz_io* io = x ? api_writer(out_stream, "out_stream") : NULL;
  return api_status(!io || save_to(sink_of_writer("save", io), x));
}

int mlx_save(const char* file, const mlx_array a) {
  API_OP("save");
  lz_array* x = api_array(a, "a");
  if (!x || api_pointer(file, "file")) return api_status(1);
  /* The extension is added where it is missing. */
  char path[4096];
  size_t n = strlen(file);
  if (n + 5 > sizeof path)
    return api_status(error_fail("[save] the path has %zu bytes", n));
  memcpy(path, file, n + 1);
  if (n < 4 || strcmp(file + n - 4, ".npy") != 0) strcpy(path + n, ".npy");
  return api_status(save_to(sink_open("save", path), x));
}

static lz_array* load_from(lz_source* source, lz_stream* s) {
  if (!source) return NULL;
  lz_array* a = npy_load(source, s);
  source_unref(source);
  return a;
}

int mlx_load_reader(
    mlx_array* res, mlx_io_reader in_stream, const mlx_stream s) {
  API_OP("load");
  lz_io* io = api_reader(in_stream, "in_stream");
  lz_stream* stream = io ? api_stream(s) : NULL;
  return api_result(
      res, stream ? load_from(source_of_reader("load", io), stream) : NULL);
}

int mlx_load(mlx_array* res, const char* file, const mlx_stream s) {
  API_OP("load");
  lz_stream* stream = api_stream(s);
  if (!stream || api_pointer(file, "file")) return api_result(res, NULL);
  return api_result(res, load_from(source_open("load", file), stream));
}
