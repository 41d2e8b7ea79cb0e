#include "vulkan/backend.h"

#if LAZULI_VULKAN

#include <pthread.h>
#include <shaderc/shaderc.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "stream/stream.h"
#include "vulkan/glsl.h"
#include "vulkan/kernels.h"
#include "vulkan/memory.h"
#include "vulkan/queue.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void vulkan_init(void) {
  vk_device* d = vk_open();
  if (d) vk_memory_init(d);
}

static vk_device* vulkan_device(void) {
  pthread_once(&once, vulkan_init);
  return vk_open();
}

int vulkan_device_count(void) {
  return vulkan_device() ? 1 : 0;
}

const char* vulkan_why_not(void) {
  return vulkan_device() ? "" : vk_why_not();
}

bool vulkan_is_hardware(void) {
  vk_device* d = vulkan_device();
  return d && d->hardware;
}

int vulkan_describe(const char** name, const char** kind, size_t* memory) {
  static const char* const kinds[] = {
      "vulkan",
      "vulkan integrated",
      "vulkan discrete",
      "vulkan virtual",
      "vulkan software"};
  vk_device* d = vulkan_device();
  if (!d) return 1;
  size_t type = (size_t)d->properties.deviceType;
  *name = d->properties.deviceName;
  *kind = kinds[type < sizeof kinds / sizeof *kinds ? type : 0];
  *memory = 0;
  for (uint32_t i = 0; i < d->memory.memoryHeapCount; i++)
    if (d->memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
      *memory += (size_t)d->memory.memoryHeaps[i].size;
  return 0;
}

/* Pipelines of fused programs, by the text of their shader. A program's
 * structures are few; they stay for the life of the process. */
typedef struct cached {
  struct cached* next;
  char* text;
  VkPipeline pipeline;
} cached;

enum { CACHE_BUCKETS = 256 };
static struct {
  pthread_mutex_t lock;
  shaderc_compiler_t compiler;
  cached* buckets[CACHE_BUCKETS];
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned vulkan_hash(const char* text) {
  uint64_t h = 14695981039346656037u; /* FNV-1a */
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
  return (unsigned)(h ^ h >> 32) % CACHE_BUCKETS;
}

static VkPipeline vulkan_compile(vk_device* d, const char* text) {
  if (!cache.compiler) cache.compiler = shaderc_compiler_initialize();
  shaderc_compile_options_t options = shaderc_compile_options_initialize();
  shaderc_compile_options_set_target_env(
      options, shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_2);
  shaderc_compile_options_set_optimization_level(
      options, shaderc_optimization_level_performance);
  shaderc_compilation_result_t r = shaderc_compile_into_spv(
      cache.compiler,
      text,
      strlen(text),
      shaderc_compute_shader,
      "fused",
      "main",
      options);
  VkPipeline pipeline = VK_NULL_HANDLE;
  if (shaderc_result_get_compilation_status(r) ==
      shaderc_compilation_status_success)
    pipeline = vk_pipeline(
        d,
        (const uint32_t*)(const void*)shaderc_result_get_bytes(r),
        shaderc_result_get_length(r));
  else
    error_set(
        "[fused kernel] its shader does not compile: %s",
        shaderc_result_get_error_message(r));
  shaderc_result_release(r);
  shaderc_compile_options_release(options);
  return pipeline;
}

/* Takes over the text. */
static VkPipeline vulkan_pipeline(vk_device* d, char* text) {
  unsigned bucket = vulkan_hash(text);
  pthread_mutex_lock(&cache.lock);
  cached* c = cache.buckets[bucket];
  while (c && strcmp(c->text, text) != 0) c = c->next;
  if (!c && (c = calloc(1, sizeof *c))) {
    c->pipeline = vulkan_compile(d, text);
    if (c->pipeline) {
      c->text = text;
      c->next = cache.buckets[bucket];
      cache.buckets[bucket] = c;
      text = NULL;
    } else {
      free(c);
      c = NULL;
    }
  }
  VkPipeline pipeline = c ? c->pipeline : VK_NULL_HANDLE;
  pthread_mutex_unlock(&cache.lock);
  free(text);
  return pipeline;
}

static glsl_access vulkan_access(const lz_array* in, const lz_array* out) {
  if (in->size == 1) return GLSL_SCALAR;
  if ((in->flags & ARRAY_ROW_CONTIGUOUS) && in->size == out->size)
    return GLSL_DENSE;
  return GLSL_STRIDED;
}

/* Writes addresses, extents and strides as glsl_program() expects them. */
static int vulkan_params(
    vk_device* d, const lz_exec* x, const glsl_access* access, void* room) {
  const lz_array* shape = x->out[0];
  uint64_t* at = room;
  for (int i = 0; i < x->n_in + x->n_out; i++) {
    const lz_array* a = i < x->n_in ? x->in[i] : x->out[i - x->n_in];
    uint64_t address = vk_address(d, a->buffer);
    if (!address) return 1;
    *at++ = address + (uint64_t)a->offset;
  }
  int32_t* word = (int32_t*)(void*)at;
  *word++ = (int32_t)shape->size;
  for (int i = 0; i < (shape->ndim ? shape->ndim : 1); i++)
    *word++ = shape->ndim ? shape->shape[i] : 1;
  for (int i = 0; i < x->n_in; i++) {
    if (access[i] != GLSL_STRIDED) continue;
    const lz_array* in = x->in[i];
    int lead = shape->ndim - in->ndim;
    for (int k = 0; k < shape->ndim; k++)
      *word++ = k < lead || in->shape[k - lead] == 1
                    ? 0
                    : (int32_t)in->strides[k - lead];
  }
  return 0;
}

static int vulkan_run_program(vk_device* d, lz_exec* x, const lz_program* p) {
  glsl_access access[PROGRAM_MAX_INPUTS];
  uint8_t in[PROGRAM_MAX_INPUTS], out[PROGRAM_MAX_OUTPUTS];
  const lz_array* shape = x->out[0];
  for (int i = 0; i < x->n_in; i++) {
    access[i] = vulkan_access(x->in[i], shape);
    in[i] = x->in[i]->dtype;
  }
  for (int i = 0; i < x->n_out; i++) out[i] = x->out[i]->dtype;
  if (shape->size > INT32_MAX)
    return gpu_lack(
        "[fused kernel] %lld elements are too many for one gpu kernel",
        (long long)shape->size);
  char* text = glsl_program(p, in, out, access, shape->ndim);
  VkPipeline pipeline = text ? vulkan_pipeline(d, text) : VK_NULL_HANDLE;
  if (!pipeline || exec_alloc_fused(x, NULL)) return 1;
  x->flops = (uint64_t)shape->size * (uint64_t)p->n_instrs;
  if (shape->size == 0) return 0;
  vk_queue* q = vk_queue_of(d, x->stream);
  size_t bytes = 8 * (size_t)(x->n_in + x->n_out) +
                 4 * (size_t)(2 + shape->ndim * (1 + x->n_in));
  uint64_t at;
  void* room = q ? vk_queue_params(q, bytes, &at) : NULL;
  if (!room || vulkan_params(d, x, access, room)) return 1;
  uint64_t groups = ((uint64_t)shape->size + GLSL_GROUP - 1) / GLSL_GROUP;
  uint32_t across = groups < GLSL_ROW ? (uint32_t)groups : GLSL_ROW;
  return vk_queue_dispatch(
      q,
      pipeline,
      at,
      across,
      (uint32_t)((groups + across - 1) / across),
      1,
      x);
}

/* Where the host has to help out it would take doubles, which devices do not:
 * whether a program runs must not depend on which kernels there are. */
static int vulkan_takes(const lz_exec* x) {
  for (int i = 0; i < x->n_in + x->n_out; i++) {
    const lz_array* a = i < x->n_in ? x->in[i] : x->out[i - x->n_in];
    if (a && a->dtype == DTYPE_FLOAT64)
      return error_fail(
          "[%s] float64 is not supported on the gpu: cast to float32, or use a "
          "cpu stream",
          x->op ? x->op->name : "fused kernel");
  }
  return 0;
}

bool vulkan_lacks_kernel(void) {
  return gpu_lacking();
}

int vulkan_run(lz_exec* x, const lz_program* program) {
  vk_device* d = vulkan_device();
  gpu_lacks_nothing();
  if (!d) return error_fail("the gpu is not available: %s", vk_why_not());
  if (vulkan_takes(x)) return 1;
  x->deferred = true;
  if (program) return vulkan_run_program(d, x, program);
  if (!x->op->gpu) return gpu_lack("[%s] has no gpu kernel yet", x->op->name);
  return x->op->gpu(x);
}

int vulkan_finish(lz_stream* s) {
  return s->backend ? vk_queue_flush(s->backend) : 0;
}

#endif
