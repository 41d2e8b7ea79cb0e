#include "vulkan/kernels.h"

#if LAZULI_VULKAN

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "ops/reduce_descs.h"
#include "stream/stream.h"
#include "vulkan/memory.h"
#include "vulkan/queue.h"

#include "shaders/matmul.h"
#include "shaders/reduce.h"
#include "shaders/softmax.h"

/* The pipeline of a shader that was compiled with the library. */
typedef struct gpu_shader {
  const uint32_t* code;
  size_t bytes;
  VkPipeline pipeline;
} gpu_shader;

static VkPipeline gpu_pipeline(vk_device* d, gpu_shader* s) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (!s->pipeline) s->pipeline = vk_pipeline(d, s->code, s->bytes);
  pthread_mutex_unlock(&lock);
  return s->pipeline;
}

static _Thread_local bool lacking;

int gpu_lack(const char* format, ...) {
  char text[192];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  lacking = true;
  return error_fail("%s: use a cpu stream", text);
}

bool gpu_lacking(void) {
  return lacking;
}

void gpu_lacks_nothing(void) {
  lacking = false;
}

static int gpu_need_f32(const lz_exec* x) {
  for (int i = 0; i < x->n_in; i++) {
    lz_dtype d = (lz_dtype)x->in[i]->dtype;
    if (d != DTYPE_FLOAT32)
      return gpu_lack(
          "[%s] has no gpu kernel for %s yet", x->op->name, dtype_name(d));
  }
  return 0;
}

static int gpu_need_dense(const lz_exec* x) {
  if (x->in[0]->flags & ARRAY_ROW_CONTIGUOUS) return 0;
  return gpu_lack("[%s] has no gpu kernel for strided input yet", x->op->name);
}

static uint64_t gpu_address(vk_device* d, const lz_array* a) {
  uint64_t address = vk_address(d, a->buffer);
  return address ? address + (uint64_t)a->offset : 0;
}

/* Sends one dispatch with `params`, whose first fields are addresses. */
static int gpu_send(
    lz_exec* x,
    gpu_shader* shader,
    const void* params,
    size_t bytes,
    uint64_t groups,
    uint32_t y,
    uint32_t z) {
  vk_device* d = vk_open();
  vk_queue* q = vk_queue_of(d, x->stream);
  VkPipeline pipeline = q ? gpu_pipeline(d, shader) : VK_NULL_HANDLE;
  uint64_t at;
  void* room = pipeline ? vk_queue_params(q, bytes, &at) : NULL;
  if (!room) return 1;
  memcpy(room, params, bytes);
  uint32_t across = groups > 65535 && y == 1 ? 65535 : (uint32_t)groups;
  if (y == 1) y = (uint32_t)((groups + across - 1) / across);
  return vk_queue_dispatch(q, pipeline, at, across, y, z, x);
}

typedef struct matmul_push {
  uint64_t a, b, c;
  uint32_t m, n, k, batch;
  int32_t a_row, a_col, b_row, b_col, ndim, pad;
  int32_t shape[8], a_batch[8], b_batch[8];
} matmul_push;

static void gpu_batch(
    const lz_array* in, const lz_array* out, int32_t* strides) {
  int lead = out->ndim - in->ndim;
  for (int d = 0; d < out->ndim - 2; d++)
    strides[d] = d < lead || in->shape[d - lead] == 1
                     ? 0
                     : (int32_t)in->strides[d - lead];
}

int gpu_matmul(lz_exec* x) {
  static gpu_shader shader = {shader_matmul, sizeof shader_matmul, NULL};
  const lz_array *a = x->in[0], *b = x->in[1];
  lz_array* out = x->out[0];
  if (gpu_need_f32(x)) return 1;
  if (out->ndim > 10)
    return gpu_lack("[Matmul] %d batch axes on the gpu", out->ndim - 2);
  if (exec_alloc(x, 0)) return 1;
  matmul_push p = {.ndim = out->ndim - 2};
  p.m = (uint32_t)out->shape[out->ndim - 2];
  p.n = (uint32_t)out->shape[out->ndim - 1];
  p.k = (uint32_t)a->shape[a->ndim - 1];
  p.batch = 1;
  for (int d = 0; d < p.ndim; d++) {
    p.shape[d] = out->shape[d];
    p.batch *= (uint32_t)out->shape[d];
  }
  p.a_row = (int32_t)a->strides[a->ndim - 2];
  p.a_col = (int32_t)a->strides[a->ndim - 1];
  p.b_row = (int32_t)b->strides[b->ndim - 2];
  p.b_col = (int32_t)b->strides[b->ndim - 1];
  gpu_batch(a, out, p.a_batch);
  gpu_batch(b, out, p.b_batch);
  if (out->size == 0) return 0;
  vk_device* d = vk_open();
  p.a = gpu_address(d, a);
  p.b = gpu_address(d, b);
  p.c = gpu_address(d, out);
  if (!p.a || !p.b || !p.c) return 1;
  if (x->op->flops) x->flops = x->op->flops(x);
  return gpu_send(
      x, &shader, &p, sizeof p, (p.n + 15) / 16, (p.m + 15) / 16, p.batch);
}

typedef struct reduce_push {
  uint64_t a, c;
  uint32_t outer, reduced, inner, kind, total, chunks;
} reduce_push;

enum { REDUCE_CHUNK = 1 << 16 };

int gpu_reduce(lz_exec* x) {
  static gpu_shader shader = {shader_reduce, sizeof shader_reduce, NULL};
  const reduce_params* p = x->params;
  const lz_array* in = x->in[0];
  if (gpu_need_f32(x) || gpu_need_dense(x)) return 1;
  if (p->kind < REDUCE_SUM)
    return gpu_lack("[%s] has no gpu kernel yet", x->op->name);
  /* Reduced axes must be neighbours: (outer, reduced, inner). */
  int first = __builtin_ctz(p->axes), last = 31 - __builtin_clz(p->axes);
  if (p->axes >> first != (UINT32_C(1) << (last - first + 1)) - 1)
    return gpu_lack("[%s] has no gpu kernel for axes apart yet", x->op->name);
  if (exec_alloc(x, 0)) return 1;
  reduce_push r = {
      .outer = 1, .inner = 1, .kind = p->kind, .total = 1, .chunks = 1};
  for (int i = 0; i < in->ndim; i++) {
    uint32_t n = (uint32_t)in->shape[i];
    if (i < first)
      r.outer *= n;
    else if (i <= last)
      r.total *= n;
    else
      r.inner *= n;
  }
  if (x->out[0]->size == 0) return 0;
  vk_device* d = vk_open();
  uint64_t out = gpu_address(d, x->out[0]);
  r.a = in->size ? gpu_address(d, in) : out;
  if (!r.a || !out) return 1;
  x->flops = (uint64_t)in->size;
  r.reduced = r.total;
  while (r.total > REDUCE_CHUNK) {
    r.reduced = REDUCE_CHUNK;
    r.chunks = (r.total + REDUCE_CHUNK - 1) / REDUCE_CHUNK;
    uint64_t parts = (uint64_t)r.outer * r.chunks * r.inner;
    vk_queue* q = vk_queue_of(d, x->stream);
    lz_buffer* b = q ? buffer_new_device(4 * parts, x->kernel) : NULL;
    if (!b) return 1;
    vk_queue_keep(q, b);
    r.c = vk_address(d, b);
    if (!r.c || gpu_send(x, &shader, &r, sizeof r, parts, 1, 1)) return 1;
    r.a = r.c;
    r.total = r.reduced = r.chunks;
    r.chunks = 1;
  }
  r.c = out;
  return gpu_send(x, &shader, &r, sizeof r, (uint64_t)r.outer * r.inner, 1, 1);
}

typedef struct softmax_push {
  uint64_t a, c;
  uint32_t rows, length;
} softmax_push;

int gpu_softmax(lz_exec* x) {
  static gpu_shader shader = {shader_softmax, sizeof shader_softmax, NULL};
  const softmax_params* p = x->params;
  const lz_array* in = x->in[0];
  if (gpu_need_f32(x) || gpu_need_dense(x)) return 1;
  if (p->axis != in->ndim - 1)
    return gpu_lack(
        "[Softmax] has no gpu kernel for axis %d of %d yet", p->axis, in->ndim);
  if (in->shape[p->axis] >= 256 * 65535)
    return gpu_lack(
        "[Softmax] %d elements a row are too many for the gpu kernel",
        in->shape[p->axis]);
  if (exec_alloc(x, 0)) return 1;
  if (in->size == 0) return 0;
  softmax_push s = {.length = (uint32_t)in->shape[p->axis]};
  s.rows = (uint32_t)(in->size / s.length);
  vk_device* d = vk_open();
  s.a = gpu_address(d, in);
  s.c = gpu_address(d, x->out[0]);
  if (!s.a || !s.c) return 1;
  x->flops = 5 * (uint64_t)in->size;
  return gpu_send(x, &shader, &s, sizeof s, s.rows, 1, 1);
}

#endif
