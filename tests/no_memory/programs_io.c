/* Programs with files, containers, streams and text. */
#include <fcntl.h>

#include "lazuli/tree.h"
#include "program.h"

#define A p->a
#define S p->s

static const char* program_path(program* p, const char* name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", p->folder, name);
  return path;
}

void program_files(program* p) {
  FILL(0, MLX_FLOAT32, 1, 40, 50);
  FILL(1, MLX_BFLOAT16, 1, 7);
  DO(mlx_save(program_path(p, "a.npy"), A[0]));
  DO(mlx_load(&A[2], program_path(p, "a.npy"), S));
  program_take(p, A[2]);
  mlx_map_string_to_array m = mlx_map_string_to_array_new(), got = {0};
  mlx_map_string_to_string words = mlx_map_string_to_string_new(), said = {0};
  p->failed += !m.ctx + !words.ctx;
  DO(mlx_map_string_to_array_insert(m, "first", A[0]));
  DO(mlx_map_string_to_array_insert(m, "second", A[1]));
  DO(mlx_map_string_to_string_insert(words, "made by", "a test"));
  DO(mlx_save_safetensors(program_path(p, "b.safetensors"), m, words));
  DO(mlx_load_safetensors(&got, &said, program_path(p, "b.safetensors"), S));
  if (got.ctx) {
    DO(mlx_map_string_to_array_get(&A[3], got, "second"));
    program_take(p, A[3]);
  }
  mlx_map_string_to_array_free(m);
  mlx_map_string_to_array_free(got);
  mlx_map_string_to_string_free(words);
  mlx_map_string_to_string_free(said);
}

/* A file in memory, never of Lazuli. */
typedef struct memory_file {
  char data[8192];
  size_t size, at;
  bool good;
} memory_file;

static bool file_good(void* f) {
  return ((memory_file*)f)->good;
}
static size_t file_tell(void* f) {
  return ((memory_file*)f)->at;
}
static void file_seek(void* file, int64_t off, int whence) {
  memory_file* f = file;
  int64_t base = whence == SEEK_SET   ? 0
                 : whence == SEEK_CUR ? (int64_t)f->at
                                      : (int64_t)f->size;
  f->at = (size_t)(base + off);
}
static void file_read_at(void* file, char* data, size_t n, size_t off) {
  memory_file* f = file;
  f->good &= off + n <= f->size;
  if (f->good) memcpy(data, f->data + off, n);
}
static void file_read(void* file, char* data, size_t n) {
  memory_file* f = file;
  file_read_at(f, data, n, f->at);
  f->at += n;
}
static void file_write(void* file, const char* data, size_t n) {
  memory_file* f = file;
  f->good &= f->at + n <= sizeof f->data;
  if (!f->good) return;
  memcpy(f->data + f->at, data, n);
  f->at += n;
  if (f->at > f->size) f->size = f->at;
}
static const char* file_label(void* f) {
  (void)f;
  return "a file in memory";
}
static void file_free(void* f) {
  (void)f;
}

void program_callbacks(program* p) {
  static memory_file file;
  memset(&file, 0, sizeof file);
  file.good = true;
  mlx_io_vtable table = {
      file_good,
      file_good,
      file_tell,
      file_seek,
      file_read,
      file_read_at,
      file_write,
      file_label,
      file_free};
  FILL(0, MLX_FLOAT32, 1, 30, 20);
  mlx_io_writer w = mlx_io_writer_new(&file, table);
  p->failed += !w.ctx;
  int failed = p->failed;
  DO(mlx_save_writer(w, A[0]));
  mlx_io_writer_free(w);
  if (p->failed > failed) return; /* there is nothing to read */
  file.at = 0;
  mlx_io_reader r = mlx_io_reader_new(&file, table);
  p->failed += !r.ctx;
  DO(mlx_load_reader(&A[1], r, S));
  program_take(p, A[1]);
  mlx_io_reader_free(r);
}

void program_gguf(program* p) {
  FILL(0, MLX_FLOAT32, 1, 4, 64);
  mlx_io_gguf g = mlx_io_gguf_new(), got = {0};
  mlx_vector_string names = mlx_vector_string_new(), keys = {0};
  p->failed += !g.ctx + !names.ctx;
  DO(mlx_vector_string_append_value(names, "one"));
  DO(mlx_io_gguf_set_array(g, "weights", A[0]));
  DO(mlx_io_gguf_set_metadata_string(g, "general.name", "test"));
  DO(mlx_io_gguf_set_metadata_vector_string(g, "words", names));
  DO(mlx_save_gguf(program_path(p, "c.gguf"), g));
  DO(mlx_load_gguf(&got, program_path(p, "c.gguf"), S));
  if (got.ctx) {
    DO(mlx_io_gguf_get_keys(&keys, got));
    DO(mlx_io_gguf_get_array(&A[1], got, "weights"));
    program_take(p, A[1]);
  }
  mlx_vector_string_free(names);
  mlx_vector_string_free(keys);
  mlx_io_gguf_free(g);
  mlx_io_gguf_free(got);
}

/* 9 blocks of Q4_0 and 3 of Q6_K, written here. */
static void write_blocks(const char* path) {
  static const char head[] =
      "GGUF\3\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0q\2\0\0\0\x60\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
      "\2\0\0\0\0\0\0\0\0\0\0\0"
      "\1\0\0\0\0\0\0\0k\1\0\0\0\0\3\0\0\0\0\0\0"
      "\x0e\0\0\0\xc0\0\0\0\0\0\0\0";
  unsigned char bytes[128 + 192 + 630] = {0};
  memcpy(bytes, head, sizeof head - 1);
  for (size_t i = 128; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(i % 59);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes) abort();
  close(fd);
}

void program_gguf_blocks(program* p) {
  static const char* const names[] = {"q", "q.scales", "q.biases", "k"};
  mlx_io_gguf got = {0};
  write_blocks(program_path(p, "d.gguf"));
  DO(mlx_load_gguf(&got, program_path(p, "d.gguf"), S));
  for (int i = 0; i < 4 && got.ctx; i++) {
    DO(mlx_io_gguf_get_array(&A[i], got, names[i]));
    program_take(p, A[i]);
  }
  mlx_io_gguf_free(got);
}

void program_containers(program* p) {
  FILL(0, MLX_FLOAT32, 1, 3);
  mlx_vector_vector_array vv = mlx_vector_vector_array_new(), copy = {0};
  mlx_vector_int ints = mlx_vector_int_new_data((int[]){1, 2, 3}, 3);
  mlx_map_string_to_array m = mlx_map_string_to_array_new();
  p->failed += !vv.ctx + !ints.ctx + !m.ctx;
  GATHER(0, 0, 0, 0, 0, 0);
  for (int i = 0; i < 6; i++)
    DO(mlx_vector_vector_array_append_value(vv, p->v[0]));
  DO(mlx_vector_vector_array_set(&copy, vv));
  DO(mlx_vector_vector_array_get(&p->v[1], vv, 0));
  program_take_all(p, p->v[1]);
  for (int i = 0; i < 20; i++) DO(mlx_vector_int_append_value(ints, i));
  char key[16];
  for (int i = 0; i < 20; i++) {
    snprintf(key, sizeof key, "key %d", i);
    DO(mlx_map_string_to_array_insert(m, key, A[0]));
  }
  mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(m);
  p->failed += !it.ctx;
  const char* at;
  if (it.ctx)
    while (mlx_map_string_to_array_iterator_next(&at, &A[1], it) == 0) p->sum++;
  mlx_map_string_to_array_iterator_free(it);
  mlx_map_string_to_array_free(m);
  mlx_vector_int_free(ints);
  mlx_vector_vector_array_free(vv);
  mlx_vector_vector_array_free(copy);
}

void program_streams(program* p) {
  FILL(0, MLX_FLOAT32, 1, 100, 100);
  mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
  mlx_stream other = {0};
  p->failed += !cpu.ctx;
  if (cpu.ctx) other = mlx_stream_new_device(cpu);
  p->failed += !other.ctx;
  mlx_stream on = other.ctx ? other : S;
  DO(mlx_exp(&A[1], A[0], on));
  DO(mlx_matmul(&A[2], A[0], A[1], S));
  GATHER(0, 1, 2);
  DO(mlx_async_eval(p->v[0]));
  DO(mlx_add(&A[3], A[1], A[2], on));
  DO(mlx_synchronize(on));
  program_take(p, A[3]);
  mlx_stream_free(other);
  mlx_device_free(cpu);
}

void program_text(program* p) {
  FILL(0, MLX_FLOAT32, 1, 6, 5);
  DO(mlx_tanh(&A[1], A[0], S));
  DO(mlx_add(&A[2], A[1], A[0], S));
  GATHER(0, 2);
  mlx_node_namer names = mlx_node_namer_new();
  p->failed += !names.ctx;
  DO(mlx_node_namer_set_name(names, A[0], "input"));
  FILE* out = tmpfile();
  if (out) {
    DO(mlx_export_to_dot(out, names, p->v[0]));
    DO(mlx_print_graph(out, names, p->v[0]));
    fclose(out);
  }
  mlx_string text = mlx_string_new();
  DO(mlx_array_tostring(&text, A[2]));
  if (text.ctx && mlx_string_data(text))
    p->sum += strlen(mlx_string_data(text));
  mlx_string_free(text);
  mlx_node_namer_free(names);
}

static int tree_double(mlx_array* res, const mlx_array leaf, void* payload) {
  return mlx_add(res, leaf, leaf, *(mlx_stream*)payload);
}

void program_trees(program* p) {
  FILL(0, MLX_FLOAT32, 1, 3);
  lazuli_tree *root = lazuli_tree_new_map(), *list = lazuli_tree_new_list();
  p->failed += !root + !list;
  if (list)
    for (int i = 0; i < 5; i++)
      DO(lazuli_tree_append(list, lazuli_tree_new_array(A[0])));
  if (root)
    DO(lazuli_tree_set(root, "layers", list));
  else
    lazuli_tree_free(list);
  lazuli_tree *twice = NULL, *again = NULL;
  mlx_vector_string keys = {0};
  if (root) {
    twice = lazuli_tree_map(root, tree_double, &S);
    p->failed += !twice;
    DO(lazuli_tree_flatten(twice ? twice : root, &keys, &p->v[0]));
    program_take_all(p, p->v[0]);
    if (keys.ctx && p->v[0].ctx) {
      again = lazuli_tree_unflatten(keys, p->v[0]);
      p->failed += !again;
    }
  }
  lazuli_tree_free(again);
  lazuli_tree_free(twice);
  lazuli_tree_free(root);
  mlx_vector_string_free(keys);
}
