/* Files that are nowhere but in callbacks of the program. */
#include <stdio.h>

#include "support.h"

typedef struct file {
  char data[4096];
  size_t size, at;
  bool good;
  int freed;
} file;

static bool is_good(void* f) {
  return ((file*)f)->good;
}
static size_t tell(void* f) {
  return ((file*)f)->at;
}
static void seek(void* p, int64_t off, int whence) {
  file* f = p;
  size_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? f->at : f->size;
  f->at = base + (size_t)off;
}
static void read_at(void* p, char* data, size_t n, size_t off) {
  file* f = p;
  f->good &= off + n <= f->size;
  if (f->good) memcpy(data, f->data + off, n);
}
static void read_next(void* p, char* data, size_t n) {
  file* f = p;
  read_at(f, data, n, f->at);
  f->at += n;
}
static void write_next(void* p, const char* data, size_t n) {
  file* f = p;
  assert_true(f->at + n <= sizeof f->data);
  memcpy(f->data + f->at, data, n);
  f->at += n;
  if (f->at > f->size) f->size = f->at;
}
static const char* label(void* f) {
  (void)f;
  return "a file of the test";
}
static void count_free(void* f) {
  ((file*)f)->freed++;
}

static const mlx_io_vtable table = {
    is_good,
    is_good,
    tell,
    seek,
    read_next,
    read_at,
    write_next,
    label,
    count_free};

static void there_and_back(void** state) {
  (void)state;
  static file f = {.good = true};
  mlx_stream s = mlx_default_cpu_stream_new();
  mlx_map_string_to_array arrays = mlx_map_string_to_array_new();
  mlx_map_string_to_string words = mlx_map_string_to_string_new();
  mlx_array a = floats(3), b = mlx_array_new();
  assert_fine(mlx_map_string_to_array_insert(arrays, "a", a));
  assert_fine(mlx_map_string_to_string_insert(words, "made by", "a test"));
  mlx_io_writer w = mlx_io_writer_new(&f, table);
  assert_fine(mlx_save_safetensors_writer(w, arrays, words));
  assert_int_equal(mlx_io_writer_free(w), 0);
  assert_int_equal(f.freed, 1);

  f.at = 0;
  mlx_map_string_to_array got = mlx_map_string_to_array_new();
  mlx_map_string_to_string said = mlx_map_string_to_string_new();
  mlx_io_reader r = mlx_io_reader_new(&f, table);
  assert_fine(mlx_load_safetensors_reader(&got, &said, r, s));
  assert_fine(mlx_map_string_to_array_get(&b, got, "a"));
  char* text = text_of(b);
  assert_string_equal(text, "array([1, 2, 3], dtype=float32)");
  free(text);
  const char* word;
  assert_fine(mlx_map_string_to_string_get(&word, said, "made by"));
  assert_string_equal(word, "a test");
  mlx_io_reader_free(r);
  mlx_array_free(b);
  mlx_map_string_to_array_free(got);
  mlx_map_string_to_string_free(said);
  assert_int_equal(f.freed, 2);

  /* Cut off in the middle of the header. */
  f.size = 20;
  f.at = 0;
  r = mlx_io_reader_new(&f, table);
  mlx_map_string_to_array none = {0};
  mlx_map_string_to_string no_words = {0};
  assert_error(
      mlx_load_safetensors_reader(&none, &no_words, r, s),
      "a file of the test");
  mlx_io_reader_free(r);
  mlx_map_string_to_array_free(arrays);
  mlx_map_string_to_string_free(words);
  mlx_array_free(a);
  mlx_stream_free(s);
}

/* The header says nothing after a quote: found by fuzzing. */
static void npy_ends_early(void** state) {
  (void)state;
  static const char text[] = "{'fortran_order': False, 'shape': (), 'descr': '";
  static file f = {.good = true, .data = "\x93NUMPY\x01"};
  mlx_stream s = mlx_default_cpu_stream_new();
  f.data[8] = sizeof text - 1;
  memcpy(f.data + 10, text, sizeof text - 1);
  f.size = 10 + sizeof text - 1;
  mlx_io_reader r = mlx_io_reader_new(&f, table);
  mlx_array a = mlx_array_new();
  assert_error(mlx_load_reader(&a, r, s), "unsupported dtype '");
  mlx_io_reader_free(r);
  mlx_array_free(a);
  mlx_stream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_and_back), cmocka_unit_test(npy_ends_early)};
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
