/* Readers and writers by callback, GGUF containers, node namers, pictures. */
#include <stdio.h>

#include "support.h"

static int freed;
static bool yes(void* d) {
  (void)d;
  return true;
}
static size_t tell(void* d) {
  (void)d;
  return 0;
}
static void seek(void* d, int64_t off, int whence) {
  (void)d, (void)off, (void)whence;
}
static void read_bytes(void* d, char* data, size_t n) {
  (void)d, (void)data, (void)n;
}
static void read_at(void* d, char* data, size_t n, size_t off) {
  (void)d, (void)data, (void)n, (void)off;
}
static void write_bytes(void* d, const char* data, size_t n) {
  (void)d, (void)data, (void)n;
}
static const char* label(void* d) {
  return d;
}
static void free_desc(void* d) {
  (void)d;
  freed++;
}

static const mlx_io_vtable table = {
    yes, yes, tell, seek, read_bytes, read_at, write_bytes, label, free_desc};

static void readers_and_writers(void** state) {
  (void)state;
  char name[] = "somewhere";
  freed = 0;
  mlx_io_reader r = mlx_io_reader_new(name, table);
  mlx_io_writer w = mlx_io_writer_new(name, table);
  void* desc = NULL;
  assert_fine(mlx_io_reader_descriptor(&desc, r));
  assert_ptr_equal(desc, name);
  desc = NULL;
  assert_fine(mlx_io_writer_descriptor(&desc, w));
  assert_ptr_equal(desc, name);
  mlx_string s = mlx_string_new();
  assert_fine(mlx_io_reader_tostring(&s, r));
  assert_string_equal(mlx_string_data(s), "somewhere");
  assert_fine(mlx_io_writer_tostring(&s, w));
  assert_fine(mlx_io_reader_free(r));
  assert_fine(mlx_io_writer_free(w));
  assert_int_equal(freed, 2);
  assert_error(mlx_io_reader_descriptor(&desc, (mlx_io_reader){0}), "io");
  assert_error(mlx_io_writer_tostring(&s, (mlx_io_writer){0}), "io");
  assert_fine(mlx_io_reader_free((mlx_io_reader){0}));
  mlx_io_vtable broken = table;
  broken.read = NULL;
  assert_null(mlx_io_reader_new(name, broken).ctx);
  errors_take(1, "read is NULL");
  w = mlx_io_writer_new(name, broken);
  assert_non_null(w.ctx);
  mlx_io_writer_free(w);
  mlx_string_free(s);
}

static void gguf(void** state) {
  (void)state;
  mlx_io_gguf g = mlx_io_gguf_new();
  assert_non_null(g.ctx);
  mlx_array two = floats(2), three = floats(3), got = mlx_array_new();
  assert_fine(mlx_io_gguf_set_array(g, "w", two));
  assert_fine(mlx_io_gguf_set_array(g, "w", three)); /* the first stays */
  assert_fine(mlx_io_gguf_get_array(&got, g, "w"));
  assert_int_equal(mlx_array_size(got), 2);
  assert_int_equal(mlx_io_gguf_get_array(&got, g, "v"), 2);
  mlx_vector_string names = mlx_vector_string_new();
  assert_fine(mlx_io_gguf_get_keys(&names, g));
  assert_int_equal(mlx_vector_string_size(names), 1);

  const char* words[] = {"a", "b"};
  mlx_vector_string list = mlx_vector_string_new_data(words, 2);
  assert_fine(mlx_io_gguf_set_metadata_array(g, "shape", three));
  assert_fine(mlx_io_gguf_set_metadata_string(g, "name", "n"));
  assert_fine(mlx_io_gguf_set_metadata_vector_string(g, "tokens", list));
  assert_fine(mlx_io_gguf_get_metadata_array(&got, g, "shape"));
  assert_int_equal(mlx_array_size(got), 3);
  mlx_string s = mlx_string_new();
  assert_fine(mlx_io_gguf_get_metadata_string(&s, g, "name"));
  assert_string_equal(mlx_string_data(s), "n");
  assert_fine(mlx_io_gguf_get_metadata_vector_string(&names, g, "tokens"));
  assert_int_equal(mlx_vector_string_size(names), 2);
  assert_int_equal(mlx_io_gguf_get_metadata_string(&s, g, "tokens"), 3);
  assert_int_equal(mlx_io_gguf_get_metadata_string(&s, g, "nothing"), 2);
  errors_take(0, "");
  bool has = false;
  assert_fine(mlx_io_gguf_has_metadata_array(&has, g, "shape"));
  assert_true(has);
  assert_fine(mlx_io_gguf_has_metadata_string(&has, g, "shape"));
  assert_false(has);
  assert_fine(mlx_io_gguf_has_metadata_vector_string(&has, g, "tokens"));
  assert_true(has);
  assert_int_equal(mlx_io_gguf_has_metadata_string(&has, g, "nothing"), 2);
  assert_false(has);
  errors_take(0, "");
  assert_error(mlx_io_gguf_set_array(g, "x", mlx_array_new()), "argument arr");
  assert_error(mlx_io_gguf_set_array(g, NULL, two), "key");
  assert_error(mlx_io_gguf_get_keys(&names, (mlx_io_gguf){0}), "io");
  mlx_io_gguf_free(g);
  assert_fine(mlx_io_gguf_free((mlx_io_gguf){0}));
  mlx_vector_string_free(names);
  mlx_vector_string_free(list);
  mlx_string_free(s);
  mlx_array_free(two);
  mlx_array_free(three);
  mlx_array_free(got);
}

static void namer(void** state) {
  (void)state;
  mlx_node_namer n = mlx_node_namer_new();
  assert_non_null(n.ctx);
  mlx_array a = floats(1), b = mlx_array_new(), c = floats(1);
  mlx_array_set(&b, a);
  assert_fine(mlx_node_namer_set_name(n, a, "weights"));
  const char* name;
  assert_fine(mlx_node_namer_get_name(&name, n, b)); /* the same array */
  assert_string_equal(name, "weights");
  assert_fine(mlx_node_namer_get_name(&name, n, c));
  assert_string_equal(name, "B");
  char expected[4];
  for (int i = 3; i <= 60; i++) {
    mlx_array x = floats(1);
    assert_fine(mlx_node_namer_get_name(&name, n, x));
    if (i <= 26)
      snprintf(expected, sizeof expected, "%c", 'A' + i - 1);
    else
      snprintf(
          expected,
          sizeof expected,
          "%c%c",
          'A' + (i - 27) / 26,
          'A' + (i - 27) % 26);
    assert_string_equal(name, expected);
    mlx_array_free(x);
  }
  assert_error(mlx_node_namer_get_name(&name, n, mlx_array_new()), "arr");
  assert_error(mlx_node_namer_set_name(n, a, NULL), "name");
  assert_error(mlx_node_namer_set_name((mlx_node_namer){0}, a, "x"), "namer");

  mlx_vector_array v = mlx_vector_array_new_value(a);
  char text[512] = "";
  FILE* f = fmemopen(text, sizeof text, "w");
  assert_fine(mlx_print_graph(f, n, v));
  fclose(f);
  assert_string_equal(
      text,
      "Inputs: weights [(1), float32]\n"
      "Outputs: weights [(1), float32]\n");
  f = fmemopen(text, sizeof text, "w");
  assert_fine(mlx_export_to_dot(f, n, v));
  fclose(f);
  assert_string_equal(text, "digraph {\n{ rank=source; \"weights\"; }\n}");
  assert_error(mlx_export_to_dot(NULL, n, v), "os");
  assert_error(mlx_export_to_dot(stdout, (mlx_node_namer){0}, v), "namer");
  assert_error(mlx_print_graph(stdout, n, (mlx_vector_array){0}), "outputs");
  mlx_vector_array_free(v);
  mlx_node_namer_free(n);
  assert_fine(mlx_node_namer_free((mlx_node_namer){0}));
  mlx_array_free(a);
  mlx_array_free(b);
  mlx_array_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(readers_and_writers),
      cmocka_unit_test(gguf),
      cmocka_unit_test(namer),
  };
  return cmocka_run_group_tests(tests, errors_catch, NULL);
}
