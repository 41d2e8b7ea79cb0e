#include "vulkan/queue.h"

#if LAZULI_VULKAN

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "memory/alloc.h"
#include "probe/probe.h"
#include "stream/stream.h"
#include "vulkan/memory.h"

#define QUEUE_MAX 256                    /* dispatches a submission */
#define QUEUE_PARAMS ((size_t)256 << 10) /* bytes of parameters for them */

typedef struct queue_kernel {
  uint64_t id, read, written, flops;
} queue_kernel;

struct vk_queue {
  vk_device* d;
  lz_stream* stream;
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkQueryPool queries;
  VkFence fence;
  lz_buffer* params;
  uint64_t params_address;
  size_t params_used;
  bool open;
  uint32_t n;
  queue_kernel kernels[QUEUE_MAX];
  lz_buffer* kept[QUEUE_MAX];
  uint32_t n_kept;
  int64_t offset; /* device's clock to CLOCK_MONOTONIC */
  bool offset_known;
};

static VkResult queue_make(vk_queue* q) {
  vk_device* d = q->d;
  VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .queueFamilyIndex = d->family};
  VkResult r = vk.vkCreateCommandPool(d->device, &pool, NULL, &q->pool);
  if (r != VK_SUCCESS) return r;
  VkCommandBufferAllocateInfo commands = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
      .commandPool = q->pool,
      .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      .commandBufferCount = 1};
  r = vk.vkAllocateCommandBuffers(d->device, &commands, &q->commands);
  if (r != VK_SUCCESS) return r;
  VkQueryPoolCreateInfo queries = {
      .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
      .queryType = VK_QUERY_TYPE_TIMESTAMP,
      .queryCount = 2 * QUEUE_MAX};
  r = vk.vkCreateQueryPool(d->device, &queries, NULL, &q->queries);
  if (r != VK_SUCCESS) return r;
  VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  return vk.vkCreateFence(d->device, &fence, NULL, &q->fence);
}

vk_queue* vk_queue_of(vk_device* d, lz_stream* s) {
  if (s->backend) return s->backend;
  vk_queue* q = calloc(1, sizeof *q);
  if (!q) return error_memory();
  q->d = d;
  q->stream = s;
  VkResult r = queue_make(q);
  q->params = r == VK_SUCCESS ? buffer_new_device(QUEUE_PARAMS, 0) : NULL;
  if (!q->params) {
    if (r != VK_SUCCESS) vk_fail("making a stream", r);
    free(q);
    return NULL;
  }
  q->params_address = vk_address(d, q->params);
  return s->backend = q;
}

void* vk_queue_params(vk_queue* q, size_t bytes, uint64_t* address) {
  bytes = (bytes + 63) & ~(size_t)63;
  if (bytes > QUEUE_PARAMS)
    return error_set("[vulkan] %zu bytes of parameters", bytes);
  if ((q->params_used + bytes > QUEUE_PARAMS || q->n == QUEUE_MAX) &&
      vk_queue_flush(q))
    return NULL;
  char* at = (char*)q->params->data + q->params_used;
  *address = q->params_address + q->params_used;
  q->params_used += bytes;
  return at;
}

static VkResult queue_open(vk_queue* q) {
  VkResult r = vk.vkResetCommandPool(q->d->device, q->pool, 0);
  if (r != VK_SUCCESS) return r;
  VkCommandBufferBeginInfo begin = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
  r = vk.vkBeginCommandBuffer(q->commands, &begin);
  if (r != VK_SUCCESS) return r;
  if (q->d->timestamp_ns > 0)
    vk.vkCmdResetQueryPool(q->commands, q->queries, 0, 2 * QUEUE_MAX);
  q->open = true;
  return VK_SUCCESS;
}

static void queue_barrier(
    vk_queue* q, VkPipelineStageFlags to, VkAccessFlags access) {
  VkMemoryBarrier barrier = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
      .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
      .dstAccessMask = access};
  vk.vkCmdPipelineBarrier(
      q->commands,
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
      to,
      0,
      1,
      &barrier,
      0,
      NULL,
      0,
      NULL);
}

static uint64_t queue_bytes(lz_array* const* arrays, int n) {
  uint64_t bytes = 0;
  for (int i = 0; i < n; i++)
    if (arrays[i]) bytes += array_nbytes(arrays[i]);
  return bytes;
}

int vk_queue_dispatch(
    vk_queue* q,
    VkPipeline pipeline,
    uint64_t params,
    uint32_t groups_x,
    uint32_t groups_y,
    uint32_t groups_z,
    const lz_exec* x) {
  vk_device* d = q->d;
  if (!q->open) {
    VkResult r = queue_open(q);
    if (r != VK_SUCCESS) return vk_fail("recording", r);
  }
  VkCommandBuffer c = q->commands;
  bool timed = d->timestamp_ns > 0;
  if (timed)
    vk.vkCmdWriteTimestamp(
        c, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, q->queries, 2 * q->n);
  vk.vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vk.vkCmdPushConstants(
      c, vk_layout(d), VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof params, &params);
  vk.vkCmdDispatch(c, groups_x, groups_y, groups_z);
  queue_barrier(
      q,
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
      VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
  if (timed)
    vk.vkCmdWriteTimestamp(
        c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, q->queries, 2 * q->n + 1);
  q->kernels[q->n++] = (queue_kernel){
      x->kernel,
      queue_bytes(x->in, x->n_in),
      queue_bytes(x->out, x->n_out),
      x->flops};
  return 0;
}

/* Where the device's clock stands against the host's: the work lies between
 * submission and the end of the wait, which bounds the difference. */
static void queue_calibrate(
    vk_queue* q, uint64_t first, uint64_t last, uint64_t from, uint64_t to) {
  int64_t low = (int64_t)(from - first), high = (int64_t)(to - last);
  if (!q->offset_known || q->offset < low || q->offset > high)
    q->offset = low + (high - low) / 2;
  q->offset_known = true;
}

static void queue_report(vk_queue* q, uint64_t from, uint64_t to) {
  uint64_t ticks[2 * QUEUE_MAX];
  vk_device* d = q->d;
  bool timed =
      d->timestamp_ns > 0 &&
      vk.vkGetQueryPoolResults(
          d->device,
          q->queries,
          0,
          2 * q->n,
          sizeof ticks,
          ticks,
          sizeof *ticks,
          VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT) == VK_SUCCESS;
  for (uint32_t i = 0; timed && i < 2 * q->n; i++)
    ticks[i] =
        (uint64_t)((double)(ticks[i] & d->timestamp_mask) * d->timestamp_ns);
  if (timed) queue_calibrate(q, ticks[0], ticks[2 * q->n - 1], from, to);
  for (uint32_t i = 0; i < q->n; i++) {
    const queue_kernel* k = &q->kernels[i];
    uint64_t begin = timed ? ticks[2 * i] + (uint64_t)q->offset : from;
    /* A kernel may need several dispatches. */
    while (i + 1 < q->n && q->kernels[i + 1].id == k->id) i++;
    uint64_t end = timed ? ticks[2 * i + 1] + (uint64_t)q->offset : to;
    PROBE(
        kernel_end,
        .kernel = k->id,
        .stream = (uint32_t)q->stream->index,
        .begin_ns = begin,
        .end_ns = end,
        .bytes_read = k->read,
        .bytes_written = k->written,
        .flops = k->flops);
    (void)k, (void)begin, (void)end;
  }
}

void vk_queue_keep(vk_queue* q, lz_buffer* b) {
  if (q->n_kept == QUEUE_MAX) vk_queue_flush(q);
  q->kept[q->n_kept++] = b;
}

int vk_queue_flush(vk_queue* q) {
  if (!q->open) {
    q->params_used = 0;
    return 0;
  }
  vk_device* d = q->d;
  queue_barrier(q, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  VkResult r = vk.vkEndCommandBuffer(q->commands);
  VkSubmitInfo submit = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .commandBufferCount = 1,
      .pCommandBuffers = &q->commands};
  uint64_t from = probe_now();
  if (r == VK_SUCCESS) {
    pthread_mutex_lock(&d->queue_lock);
    r = vk.vkQueueSubmit(d->queue, 1, &submit, q->fence);
    pthread_mutex_unlock(&d->queue_lock);
  }
  if (r == VK_SUCCESS)
    r = vk.vkWaitForFences(d->device, 1, &q->fence, VK_TRUE, UINT64_MAX);
  if (r == VK_SUCCESS) r = vk.vkResetFences(d->device, 1, &q->fence);
  if (r == VK_SUCCESS && PROBE_ON()) queue_report(q, from, probe_now());
  while (q->n_kept) buffer_unref(q->kept[--q->n_kept]);
  q->open = false;
  q->n = 0;
  q->params_used = 0;
  return r == VK_SUCCESS ? 0 : vk_fail("running on the device", r);
}

VkPipelineLayout vk_layout(vk_device* d) {
  static VkPipelineLayout layout;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (!layout) {
    VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 8};
    VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range};
    vk.vkCreatePipelineLayout(d->device, &info, NULL, &layout);
  }
  pthread_mutex_unlock(&lock);
  return layout;
}

VkPipeline vk_pipeline(vk_device* d, const uint32_t* code, size_t bytes) {
  VkShaderModuleCreateInfo module = {
      .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
      .codeSize = bytes,
      .pCode = code};
  VkShaderModule shader;
  VkResult r = vk.vkCreateShaderModule(d->device, &module, NULL, &shader);
  if (r != VK_SUCCESS) {
    vk_fail("making a shader", r);
    return VK_NULL_HANDLE;
  }
  VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .stage =
          {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
           .stage = VK_SHADER_STAGE_COMPUTE_BIT,
           .module = shader,
           .pName = "main"},
      .layout = vk_layout(d)};
  VkPipeline pipeline = VK_NULL_HANDLE;
  r = vk.vkCreateComputePipelines(
      d->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline);
  vk.vkDestroyShaderModule(d->device, shader, NULL);
  if (r != VK_SUCCESS) vk_fail("making a pipeline", r);
  return pipeline;
}

#endif
