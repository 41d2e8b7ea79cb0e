/* A stream's queue of dispatches: recorded one after another into one command
 * buffer, submitted and waited for together. */
#ifndef VULKAN_QUEUE_H
#define VULKAN_QUEUE_H

#include "core/op.h"
#include "vulkan/device.h"

typedef struct vk_queue vk_queue;

/* The stream's queue, made on first use; NULL with a message. */
vk_queue* vk_queue_of(vk_device* d, lz_stream* s);

/* Room for a dispatch's parameters, mapped; its device address in *address.
 * Flushes what is queued when the room is used up. NULL with a message. */
void* vk_queue_params(vk_queue* q, size_t bytes, uint64_t* address);

/* Queues one dispatch. The shader's push constant is the address of its
 * parameters. Later dispatches see what earlier ones wrote. `x` gives what the
 * probe is told at the end. */
int vk_queue_dispatch(
    vk_queue* q,
    VkPipeline pipeline,
    uint64_t params,
    uint32_t groups_x,
    uint32_t groups_y,
    uint32_t groups_z,
    const lz_exec* x);

/* Takes over a buffer that queued dispatches use; lets go after they ended. */
void vk_queue_keep(vk_queue* q, lz_buffer* b);

/* Submits, waits, reports the kernels. */
int vk_queue_flush(vk_queue* q);

/* The layout that every pipeline has: one 64-bit push constant. */
VkPipelineLayout vk_layout(vk_device* d);
/* A pipeline of a compute shader in SPIR-V; VK_NULL_HANDLE with a message. */
VkPipeline vk_pipeline(vk_device* d, const uint32_t* code, size_t bytes);

#endif
