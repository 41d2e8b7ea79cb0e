#include "io/gguf_tensor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/op.h"
#include "core/scope.h"
#include "cpu/floats.h"
#include "io/load.h"
#include "ops/elementwise.h"
#include "stream/pool.h"

/* ---- blocks, when they are evaluated --------------------------------------
 */

enum { PIECE = 1 << 16, TILE = 1024 };

typedef struct blocks_params {
  lz_source* source;
  uint64_t offset;
  const gguf_tensor_type* type;
} blocks_params;

static void blocks_retain(void* params) {
  source_ref(((blocks_params*)params)->source);
}

static void blocks_free(void* params) {
  source_unref(((blocks_params*)params)->source);
}

/* Blocks of the tensor from `first` on that have been read. */
typedef struct blocks_part {
  lz_exec* x;
  const gguf_tensor_type* type;
  const unsigned char* from;
  int64_t first, n;
} blocks_part;

typedef void (*blocks_fn)(const blocks_part* p);

static void blocks_decode(const blocks_part* p) {
  const lz_array* out = p->x->out[0];
  const int64_t n = p->type->weights;
  char* to = array_data(out);
  for (int64_t i = 0; i < p->n;) {
    float tile[TILE];
    int64_t at = (p->first + i) * n, filled = 0;
    for (; i < p->n && filled < TILE; i++, filled += n)
      p->type->decode(p->from + i * p->type->bytes, tile + filled);
    int64_t left = out->size - at;
    if (left < filled) filled = left;
    floats_store((lz_dtype)out->dtype, to + 2 * at, 1, tile, filled);
  }
}

static void* blocks_out(const blocks_part* p, int which, int64_t at) {
  lz_array* out = p->x->out[which];
  return out ? (char*)array_data(out) + at : NULL;
}

/* The float16 at a place of n blocks from `from` on. */
static void blocks_halves(
    const gguf_tensor_type* type,
    const unsigned char* from,
    int64_t n,
    uint16_t* to) {
  for (int64_t i = 0; i < n; i++) memcpy(to + i, from + i * type->bytes, 2);
}

static void blocks_biases(
    const gguf_tensor_type* type,
    const unsigned char* from,
    int64_t n,
    uint16_t* to) {
  if (type->bias == 1) {
    blocks_halves(type, from + 2, n, to);
    return;
  }
  float tile[TILE];
  for (int64_t at = 0; at < n; at += TILE) {
    const int64_t some = n - at < TILE ? n - at : TILE;
    uint16_t scales[TILE];
    blocks_halves(type, from + at * type->bytes, some, scales);
    floats_load(DTYPE_FLOAT16, scales, 1, some, tile);
    for (int64_t i = 0; i < some; i++) tile[i] *= (float)type->bias;
    floats_store(DTYPE_FLOAT16, to + at, 1, tile, some);
  }
}

static void blocks_pack(const blocks_part* p) {
  const gguf_tensor_type* type = p->type;
  const int64_t bytes = type->bytes, width = 4 * type->bits;
  unsigned char* words = blocks_out(p, 0, p->first * width);
  uint16_t *scales = blocks_out(p, 1, 2 * p->first),
           *biases = blocks_out(p, 2, 2 * p->first);
  for (int64_t i = 0; words && i < p->n; i++)
    type->pack(p->from + (i + 1) * bytes - width, words + i * width);
  if (scales) blocks_halves(type, p->from, p->n, scales);
  if (biases) blocks_biases(type, p->from, p->n, biases);
}

static int64_t blocks_of(const gguf_tensor_type* type, int64_t weights) {
  return (weights + type->weights - 1) / type->weights;
}

typedef struct blocks_job {
  lz_exec* x;
  blocks_fn fn;
  atomic_bool failed;
} blocks_job;

static int blocks_some(const blocks_job* j, int64_t begin, int64_t end) {
  const blocks_params* p = j->x->params;
  const int64_t width = p->type->bytes, most = PIECE / width;
  unsigned char piece[PIECE];
  for (; begin < end; begin += most) {
    const int64_t n = end - begin < most ? end - begin : most;
    if (source_read(
            p->source,
            piece,
            (size_t)(n * width),
            p->offset + (uint64_t)(begin * width)))
      return 1;
    j->fn(&(blocks_part){j->x, p->type, piece, begin, n});
  }
  return 0;
}

static void blocks_read(void* ctx, int64_t begin, int64_t end, int worker) {
  blocks_job* j = ctx;
  (void)worker;
  if (!blocks_some(j, begin, end)) return;
  error_clear();
  atomic_store(&j->failed, true);
}

/* Messages belong to threads: what one of the pool cannot read is tried once
 * more here. */
static int blocks_run(lz_exec* x, int64_t n, blocks_fn fn) {
  const blocks_params* p = x->params;
  for (int i = 0; i < x->n_out; i++)
    if (x->out[i] && exec_alloc(x, i)) return 1;
  blocks_job j = {.x = x, .fn = fn};
  pool_for(n, PIECE / p->type->bytes, blocks_read, &j);
  return atomic_load(&j.failed) && blocks_some(&j, 0, n);
}

static int blocks_cpu(lz_exec* x) {
  const blocks_params* p = x->params;
  if (!p->type->pack)
    return blocks_run(x, blocks_of(p->type, x->out[0]->size), blocks_decode);
  int64_t n = 0;
  for (int i = 0; i < 3; i++)
    if (x->out[i]) n = i ? x->out[i]->size : x->out[0]->size / p->type->bits;
  return blocks_run(x, n, blocks_pack);
}

const lz_op op_load_blocks_desc = {
    .name = "LoadBlocks",
    .flags = OP_NO_MERGE | OP_NO_FOLD | OP_HOST,
    .cpu = blocks_cpu,
    .params_retain = blocks_retain,
    .params_free = blocks_free};

/* ---- the arrays -----------------------------------------------------------
 */

static int tensor_put(
    const cursor* c, lz_map* arrays, const char* name, lz_array* a) {
  lz_value v = {0};
  if (!a) return 1;
  if (map_find(arrays, name))
    return error_fail(
        "[load_gguf] %s: two arrays of the name '%s'",
        source_label(c->source),
        name);
  return value_array(&v, a) || map_insert(arrays, name, &v);
}

/* Is all of it in the file? */
static int tensor_inside(cursor* c, const gguf_tensor* t, uint64_t bytes) {
  c->at = t->offset;
  return cursor_has(c, bytes) ? 0 : cursor_end(c, bytes);
}

static int tensor_packed(
    cursor* c,
    const gguf_tensor* t,
    const gguf_tensor_type* type,
    lz_stream* s,
    lz_map* arrays) {
  const int last = t->ndim - 1;
  if (last < 0 || t->shape[last] % 32)
    return error_fail(
        "[load_gguf] %s: quantized tensor '%s' of shape %s: the last axis is "
        "no multiple of 32",
        source_label(c->source),
        t->name,
        error_shape(t->ndim, t->shape));
  int32_t words[GGUF_MAX_AXES], groups[GGUF_MAX_AXES];
  memcpy(words, t->shape, sizeof words);
  memcpy(groups, t->shape, sizeof groups);
  groups[last] /= 32;
  words[last] = groups[last] * (int32_t)type->bits;
  blocks_params p = {c->source, t->offset, type};
  const lz_node_output outputs[] = {
      {DTYPE_UINT32, t->ndim, words},
      {DTYPE_FLOAT16, t->ndim, groups},
      {DTYPE_FLOAT16, t->ndim, groups}};
  lz_array* made[3];
  if (node_make_multi(
          &op_load_blocks_desc, s, NULL, 0, &p, sizeof p, outputs, 3, made) ||
      scope_own_all(made, 3))
    return 1;
  /* MLX cuts the length of ".weight" off whatever the name ends in, where the
   * name is that long. */
  size_t n = strlen(t->name), stem = n < 7 ? n : n - 7;
  char* name = malloc(stem + 8);
  if (!name) return error_memory() == NULL;
  memcpy(name, t->name, stem);
  int failed = tensor_put(c, arrays, t->name, made[0]);
  strcpy(name + stem, ".scales");
  failed = failed || tensor_put(c, arrays, name, made[1]);
  strcpy(name + stem, ".biases");
  failed = failed || tensor_put(c, arrays, name, made[2]);
  free(name);
  return failed;
}

static lz_array* tensor_decoded(
    lz_source* source,
    const gguf_tensor* t,
    const gguf_tensor_type* type,
    lz_stream* s) {
  blocks_params p = {source, t->offset, type};
  return scope_own(node_make(
      &op_load_blocks_desc,
      s,
      NULL,
      0,
      &p,
      sizeof p,
      type->loaded,
      t->ndim,
      t->shape));
}

int gguf_tensor_load(
    cursor* c, const gguf_tensor* t, lz_stream* s, lz_map* arrays) {
  const gguf_tensor_type* type = gguf_tensor_type_find(t->type);
  if (!type)
    return error_fail(
        "[load_gguf] %s: tensor '%s' is of the unknown type %u",
        source_label(c->source),
        t->name,
        t->type);
  if (type->kind == GGUF_UNREAD)
    return error_fail(
        "[load_gguf] %s: tensor '%s' is of the type %s (%u), which is not "
        "decoded",
        source_label(c->source),
        t->name,
        type->name,
        t->type);
  uint64_t bytes = type->bytes
                       ? (uint64_t)blocks_of(type, t->size) * type->bytes
                       : (uint64_t)t->size * dtype_size(type->stored);
  if (tensor_inside(c, t, bytes)) return 1;
  if (type->kind == GGUF_PACKED) return tensor_packed(c, t, type, s, arrays);
  lz_array* a = type->kind == GGUF_DECODED
                    ? tensor_decoded(c->source, t, type, s)
                    : op_load(
                          c->source,
                          t->offset,
                          false,
                          type->stored,
                          t->ndim,
                          t->shape,
                          s);
  return tensor_put(c, arrays, t->name, op_astype(a, type->loaded, s));
}
