/* Memory that the device can address.
 *
 * Device buffers are host-visible and mapped for life, so the CPU reads results
 * where they lie. Host buffers are imported where the driver can, page by page;
 * else the device gets a copy, kept while the buffer's contents stay. */
#ifndef VULKAN_MEMORY_H
#define VULKAN_MEMORY_H

#include "memory/alloc.h"
#include "vulkan/device.h"

/* Takes over the allocator's device half. */
void vk_memory_init(vk_device* d);

/* The device address of a buffer's first byte; 0 with a message. The first use
 * of a host buffer makes it addressable; buffer->handle keeps that. */
uint64_t vk_address(vk_device* d, lz_buffer* b);

#endif
